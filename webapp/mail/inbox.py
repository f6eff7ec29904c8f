"""The local inbox as a way out: the mailbox of everybody at once."""

from collections.abc import Callable
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

from sqlalchemy import Engine, insert
from sqlalchemy.exc import DBAPIError

from webapp.mail.transport import Envelope, TryAgain
from webapp.models import InboxMail, Trouble


class InboxTransport:
    """A transport that keeps mail in the database, as the mailbox of everybody at once.

    It writes in a transaction of its own, so on SQLite the caller must not have one open.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def send(self, envelope: Envelope, message: bytes, before_data: Callable[[], None]) -> str:
        before_data()
        # The mail's own date, so that the inbox follows the demo clock.
        date = parsedate_to_datetime(BytesHeaderParser().parsebytes(message)["Date"])
        row = insert(InboxMail).values(
            received_at=date,
            sender=envelope.sender,
            recipient=envelope.recipient,
            message=message,
        )
        try:
            with self.engine.begin() as connection:
                connection.execute(row)
        except DBAPIError as error:
            raise TryAgain(Trouble.BROKE.value) from error
        return "250 OK"

    def close(self) -> None:
        """Do nothing, since the inbox keeps nothing open between two mails."""
