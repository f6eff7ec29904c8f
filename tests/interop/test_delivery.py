"""Renewal mails through real mail servers into real mailboxes: each once, and read back as they were written."""

from email import message_from_bytes
from email.header import decode_header, make_header
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from tests.interop.dovecot import Dovecot
from tests.interop.programs import until
from tests.scale.conftest import MAILS_A_CLIENT, running, unit
from tests.support.cast import unit_of_work
from webapp.models import Client, Delivery, User, db
from webapp.models.delivery import DeliveryMessage

CLIENTS = 67
# They take several lines of a header, and signs that have a meaning there.
NAMES = (
    "Wspólnota Mieszkaniowa „Zażółć Gęślą Jaźń” przy ulicy Świętego Wawrzyńca w Szczebrzeszynie",
    "Associação dos Produtores de Pão de Açúcar e Maracujá de São Gonçalo do Rio Abaixo",
    "株式会社更新ポータル・リニューアル・サービス・カンパニー・オブ・トウキョウ",
    'Überlandwerk Groß-Gerau, Rüsselsheim & Söhne: "Straßenbau" (Tiefbau) <Brücken>; GmbH',
)


def rename(app: Flask) -> None:
    """Give everybody who gets mail, and each client, one of the long names."""
    with unit_of_work(app):
        for model in (User, Client):
            for number, one in enumerate(db.session.scalars(select(model))):
                one.name = NAMES[number % len(NAMES)]


def written(app: Flask) -> dict[str, list[tuple[str, bytes]]]:
    """Return what was written: by address, the Message-ID, the reader's name and the bytes of each mail."""
    statement = (
        select(Delivery.email, Delivery.message_id, User.name, DeliveryMessage.content)
        .select_from(Delivery)
        .join(DeliveryMessage)
        .join(User, Delivery.recipient_id == User.id)
    )
    found: dict[str, list[tuple[str, str, bytes]]] = {}
    with app.app_context():
        for email, *mail in db.session.execute(statement):
            found.setdefault(email, []).append(tuple(mail))
    return found


def complete(dovecot: Dovecot, email: str, many: int) -> list[bytes]:
    """Read a mailbox; nothing, as long as so many mails have not come."""
    mailbox = dovecot.messages(email)
    return mailbox if len(mailbox) >= many else []


def people(raw: bytes) -> str:
    """Read the names and addresses that a message is to, as any mail reader does (RFC 2047)."""
    message = message_from_bytes(raw)
    named = [message[name] for name in ("To", "Cc") if message[name]]
    return " ".join(str(make_header(decode_header(value))) for value in named)


@pytest.mark.parametrize("server", ["postfix", "exim"])
def test_each_mail_comes_once_and_whole(
    request, app, backlog, states, dovecot: Dovecot, server, environment, tmp_path
):
    """Nothing but lines of trace is added before the first byte that the portal wrote."""
    total = CLIENTS * MAILS_A_CLIENT
    backlog(CLIENTS)
    rename(app)
    env = environment | {"PORTAL_MAIL_URL": request.getfixturevalue(server).url}
    with running(*unit("worker"), env=env, output=tmp_path / "worker.log"):
        until(lambda: states()["sent"] == total, f"{total} mails")
    assert states() == {"sent": total}
    mails = written(app)
    assert len(mails) == 2 * CLIENTS + 1
    for email, expected in mails.items():
        mailbox = until(partial(complete, dovecot, email, len(expected)), email)
        come = {message_from_bytes(raw)["Message-ID"]: raw for raw in mailbox}
        assert len(mailbox) == len(come) == len(expected)
        for message_id, name, content in expected:
            assert come[message_id].endswith(b"\r\n" + content)
            assert name in people(come[message_id])
