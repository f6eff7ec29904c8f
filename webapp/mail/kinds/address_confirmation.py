"""A new address: a link to confirm it, sent to its mailbox."""

from functools import partial

from webapp.domain.snapshots import AccountSnapshot
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail
from webapp.models import LinkPurpose, MailKind

KIND = KindOfMail(
    code=MailKind.ADDRESS_CONFIRMATION,
    snapshot=AccountSnapshot,
    letter=partial(accounts.letter, MailKind.ADDRESS_CONFIRMATION),
    words=accounts.words,
    sample=partial(accounts.sample, purpose=LinkPurpose.ADDRESS_CONFIRMATION),
)
