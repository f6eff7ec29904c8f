"""How often somebody may try: by network address, by e-mail for failures alone, by person for invitations."""

# Of one network address, which may be a whole office.
BY_ADDRESS = "10 per minute"
# Failures for one e-mail, from wherever: guessing stays slow, a person's own slips don't lock out.
FAILURES_BY_EMAIL = "5 per 15 minutes"
MAILS_BY_EMAIL = "3 per hour"
# To one person: a mailbox can't be flooded with them.
INVITATIONS = "5 per hour"
