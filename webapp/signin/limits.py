"""How often somebody may try: by network address, and by e-mail for failures alone."""

from flask import request

# Of one network address, which may be a whole office.
BY_ADDRESS = "10 per minute"
# Failures for one e-mail, from wherever: guessing stays slow, a person's own slips don't lock out.
FAILURES_BY_EMAIL = "5 per 15 minutes"
MAILS_BY_EMAIL = "3 per hour"


def email() -> str:
    """The e-mail that a form is about, as limits count it."""
    return request.form.get("email", "").strip().casefold()[:254]
