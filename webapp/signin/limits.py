"""Limits of tries: by network address, by e-mail for failures alone, by person for invitations."""

# For one network address, which may be a whole office.
BY_ADDRESS = "10 per minute"
# Failures for one e-mail, from anywhere. Guessing stays slow, and a person's own slips don't lock them out.
FAILURES_BY_EMAIL = "5 per 15 minutes"
MAILS_BY_EMAIL = "3 per hour"
# Invitations to one person, so that a mailbox can't be flooded.
INVITATIONS = "5 per hour"
