"""Limits of tries, for routes. How many mails somebody can cause is in webapp.services.sending.limits."""

# For one network address, which may be a whole office.
BY_ADDRESS = "10 per minute"
# For one network address at a door: a whole office comes in at nine, and nobody guesses anything there.
BY_DOOR = "120 per minute"
# Failures for one e-mail from one network, or on one known device. Guessing stays slow, and slips are forgiven.
FAILURES = "5 per 15 minutes"
# Failures for one e-mail from all networks together, on devices that are not known.
FAILURES_ANYWHERE = "100 per day"
