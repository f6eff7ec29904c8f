"""An invitation: a link to set a first password."""

from functools import partial

from webapp.domain.snapshots import AccountSnapshot
from webapp.mail import accounts
from webapp.mail.kind import KindOfMail
from webapp.models import LinkPurpose, MailKind

KIND = KindOfMail(
    code=MailKind.INVITATION,
    snapshot=AccountSnapshot,
    letter=partial(accounts.letter, MailKind.INVITATION),
    words=accounts.words,
    sample=partial(accounts.sample, purpose=LinkPurpose.INVITATION),
)
