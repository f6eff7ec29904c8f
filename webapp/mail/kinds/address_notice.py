"""A notice of a new address, sent to the old one: a link to stop it."""

from functools import partial

from webapp.domain.snapshots import AccountSnapshot
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail
from webapp.models import LinkPurpose, MailKind

KIND = KindOfMail(
    code=MailKind.ADDRESS_NOTICE,
    snapshot=AccountSnapshot,
    letter=partial(accounts.letter, MailKind.ADDRESS_NOTICE),
    words=accounts.words,
    sample=partial(accounts.sample, purpose=LinkPurpose.ADDRESS_STOP),
)
