"""A new password: a link for somebody who has forgotten the old one."""

from functools import partial

from webapp.domain.snapshots import AccountSnapshot
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail
from webapp.models import LinkPurpose, MailKind

KIND = KindOfMail(
    code=MailKind.PASSWORD_RESET,
    snapshot=AccountSnapshot,
    letter=partial(accounts.letter, MailKind.PASSWORD_RESET),
    words=accounts.words,
    sample=partial(accounts.sample, purpose=LinkPurpose.PASSWORD_RESET),
)
