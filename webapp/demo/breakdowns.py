"""Breakdowns of the demo's mail server: its inbox rejects nobody, sends nothing back, and its line never breaks."""

from collections.abc import Callable

from sqlalchemy import select

from webapp.mail import return_paths
from webapp.mail.reports import MailReport, ReportKind
from webapp.mail.return_paths import ReturnPath
from webapp.mail.transport import Envelope, Rejected, Transport, Unclear
from webapp.models import Delivery, Installation, Trouble, db
from webapp.services import runtime
from webapp.services.sending import bounces


class BreakingTransport:
    """A transport that rejects some addresses, and whose line breaks after the next mail to some others."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.rejected: set[str] = set()
        self.breaking: set[str] = set()

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        if envelope.recipient in self.rejected:
            raise Rejected("550 5.1.1 No such mailbox here", address=True)
        reply = self.transport.send(envelope, message, before_data)
        if envelope.recipient in self.breaking:
            self.breaking.remove(envelope.recipient)
            raise Unclear(Trouble.NO_ANSWER.value)
        return reply

    def close(self) -> None:
        self.transport.close()


def send_back(mail: Delivery) -> None:
    """Report that a mail which was taken has bounced."""
    seed = db.session.scalars(select(Installation.seed)).one()
    path = ReturnPath(mail.id, return_paths.sign(seed, mail.id, str(mail.message_id)))
    reply = "550 5.1.1 No such mailbox here"
    bounces.take(MailReport(ReportKind.PERMANENT, path, reply), runtime.now())
