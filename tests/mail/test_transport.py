"""The ways out: which failures may be tried again, which are final, and which nobody can know."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import select

from tests.mail.letters import ANA, DANA, JOAO, letter
from tests.mail.scripted import CERTIFICATE, DRIP, HANG_UP, Script, scripted_server
from tests.support.smtp import smtp_sink
from webapp.config import SettingError, Settings
from webapp.mail import conversation
from webapp.mail.compose import compose
from webapp.mail.opening import open_transport
from webapp.mail.server_name import server_name
from webapp.mail.smtp import SmtpTransport
from webapp.mail.transport import (
    AgainstPolicy,
    DeliveryProblem,
    Envelope,
    Rejected,
    ServerAway,
    Transport,
    TryAgain,
    Unclear,
)
from webapp.models import InboxMail, Trouble, db

ENVELOPE = Envelope("renewals@portal.example", "dana@lodz.example")
MESSAGE = b"Subject: dots\r\n\r\n.\r\n..two\r\nend"


def nothing() -> None:
    """Before DATA: nothing to note."""


@pytest.fixture(params=[False, True], ids=["one by one", "pipelining"])
def server(request: pytest.FixtureRequest) -> Iterator[Script]:
    with scripted_server() as script:
        if request.param:
            script.answers["EHLO"] = f"250-PIPELINING\r\n{script.answers['EHLO']}"
        yield script


@pytest.fixture
def transport(server: Script) -> Iterator[Transport]:
    yield from opened(f"smtp://127.0.0.1:{server.port}?tls=off")


def opened(url: str) -> Iterator[Transport]:
    transport = open_transport(Settings(mail_url=url, mail_timeout=60))
    yield transport
    transport.close()


def test_two_mails_go_over_one_connection(server: Script, transport: Transport) -> None:
    assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    assert transport.send(replace(ENVELOPE, recipient="ana@odnowa.example"), MESSAGE, nothing)
    # Commands are case-insensitive (RFC 5321, 2.4), and Python's versions write them differently.
    assert [line.casefold() for line in server.said] == [
        "ehlo portal.example",
        "mail from:<renewals@portal.example>",
        "rcpt to:<dana@lodz.example>",
        "data",
        "mail from:<renewals@portal.example>",
        "rcpt to:<ana@odnowa.example>",
        "data",
    ]
    assert server.messages == [b"Subject: dots\r\n\r\n..\r\n...two\r\nend\r\n.\r\n"] * 2


def test_before_data_runs_between_recipient_and_data(server: Script, transport: Transport) -> None:
    seen: list[str] = []
    transport.send(ENVELOPE, MESSAGE, lambda: seen.append(server.said[-1].casefold()))
    assert seen == ["rcpt to:<dana@lodz.example>"]


def test_what_before_data_raises_comes_through_and_nothing_is_sent(
    server: Script, transport: Transport
) -> None:
    def lost() -> None:
        raise LookupError("claimed by another worker")

    with pytest.raises(LookupError):
        transport.send(ENVELOPE, MESSAGE, lost)
    assert server.messages == []
    assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("command", "answer", "address"),
    [
        ("RCPT", "550 no such user", True),
        ("RCPT", "550 5.1.1 no such user", True),
        ("RCPT", "552 5.2.2 mailbox full", True),
        ("RCPT", "552 5.2.3 too long", False),
        ("RCPT", "550 5.4.1 recipient address rejected", True),
        ("MESSAGE", "550 5.1.10 no such user", True),
        ("MESSAGE", "554 looks like spam", False),
        ("MESSAGE", "552 too long", False),
        ("DATA", "554 no valid recipients", False),
    ],
)
def test_what_is_refused_is_the_address_or_something_else(
    server: Script, transport: Transport, command: str, answer: str, address: bool
) -> None:
    server.answers[command] = answer
    with pytest.raises(Rejected) as caught:
        transport.send(ENVELOPE, MESSAGE, nothing)
    assert caught.value.address is address


@pytest.mark.parametrize(
    ("command", "answer", "problem", "said"),
    [
        ("GREETING", "554 no service", ServerAway, "554 no service"),
        ("EHLO", HANG_UP, ServerAway, Trouble.CUT_OFF),
        ("MAIL", "550 sender not allowed", ServerAway, "550 sender not allowed"),
        ("MAIL", "451 later", ServerAway, "451 later"),
        ("MAIL", HANG_UP, ServerAway, Trouble.CUT_OFF),
        ("RCPT", "550 no such user", Rejected, "550 no such user"),
        ("RCPT", "450-greylisted\r\n450 come back", TryAgain, "450 greylisted come back"),
        ("RCPT", "421 closing", TryAgain, "421 closing"),
        ("RCPT", "550 5.1.8 sender's domain not found", ServerAway, "550 5.1.8"),
        ("RCPT", "554 5.7.1 relay access denied", AgainstPolicy, "554 5.7.1"),
        ("RCPT", "550 relay not permitted", AgainstPolicy, "550 relay not permitted"),
        ("RCPT", "553 not in my rcpthosts (#5.7.1)", AgainstPolicy, "553 not in my rcpthosts"),
        ("RCPT", HANG_UP, ServerAway, Trouble.CUT_OFF),
        ("DATA", "554 no valid recipients", Rejected, "554 no valid recipients"),
        ("DATA", "451 later", TryAgain, "451 later"),
        ("DATA", HANG_UP, ServerAway, Trouble.CUT_OFF),
        ("MESSAGE", "554 looks like spam", Rejected, "554 looks like spam"),
        ("MESSAGE", "550 5.7.509 looks like spam", AgainstPolicy, "550 5.7.509"),
        ("MESSAGE", "452 disk full", TryAgain, "452 disk full"),
        ("MESSAGE", HANG_UP, Unclear, Trouble.CUT_OFF),
        ("MESSAGE", "what?", Unclear, "-1"),
        ("MESSAGE", "354 go on", Unclear, "354 go on"),
    ],
)
def test_each_failure_is_told_apart(
    server: Script,
    transport: Transport,
    command: str,
    answer: str,
    problem: type[DeliveryProblem],
    said: str,
) -> None:
    before = server.answers[command]
    server.answers[command] = answer
    with pytest.raises(DeliveryProblem) as caught:
        transport.send(ENVELOPE, MESSAGE, nothing)
    assert type(caught.value) is problem
    assert caught.value.reply.startswith(said)
    # Whatever happened, the next mail is not harmed by it.
    server.answers[command] = before
    assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"


@pytest.mark.parametrize("answer", [HANG_UP, "421 idle for too long", "452 too many messages"])
def test_kept_connection_that_is_used_up_is_replaced(
    server: Script, transport: Transport, answer: str
) -> None:
    transport.send(ENVELOPE, MESSAGE, nothing)
    server.next["MAIL"] = [answer]
    assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    assert server.connections == 2


@pytest.mark.parametrize(("command", "problem"), [("RCPT", ServerAway), ("MESSAGE", Unclear)])
def test_a_server_that_never_ends_its_answer_is_left_in_time(
    server: Script, command: str, problem: type[DeliveryProblem], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line comes well within the minute that one step may take, and all of them in six seconds."""
    monkeypatch.setattr(conversation, "MOST_TIMEOUTS", 0.1)
    transport = open_transport(
        Settings(mail_url=f"smtp://127.0.0.1:{server.port}?tls=off", mail_timeout=60)
    )
    server.next[command] = [DRIP]
    with pytest.raises(problem):
        transport.send(ENVELOPE, MESSAGE, nothing)
    assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    transport.close()


def test_silent_server_after_the_dot_is_unclear(server: Script) -> None:
    with scripted_server() as silent:
        transport = open_transport(
            Settings(mail_url=f"smtp://127.0.0.1:{silent.port}?tls=off", mail_timeout=1)
        )
        silent.answers["MESSAGE"] = "250-and then nothing more"
        with pytest.raises(Unclear):
            transport.send(ENVELOPE, MESSAGE, nothing)


def test_both_addresses_go_out_before_the_answer_about_the_first() -> None:
    heard: list[bytes] = []

    def answer_once(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for answer in ("220 hello", "250-hello\r\n250 PIPELINING"):
                connection.sendall(f"{answer}\r\n".encode())
                heard.append(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once, args=[listener])
        thread.start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}?tls=off"
        with pytest.raises(ServerAway):
            next(opened(url)).send(ENVELOPE, MESSAGE, nothing)
        thread.join()
    assert heard[-1] == (b"MAIL FROM:<renewals@portal.example>\r\nRCPT TO:<dana@lodz.example>\r\n")


def test_nobody_listens() -> None:
    with scripted_server() as gone:
        port = gone.port
    transport = open_transport(Settings(mail_url=f"smtp://127.0.0.1:{port}?tls=off"))
    with pytest.raises(TryAgain, match=Trouble.NO_CONNECTION):
        transport.send(ENVELOPE, MESSAGE, nothing)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


@pytest.mark.usefixtures("trusted")
def test_starttls_before_the_password(server: Script) -> None:
    url = f"smtp://ana%40odnowa:p%3As%2Fw@127.0.0.1:{server.port}"
    for transport in opened(url):
        assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    assert server.said[:2] == ["ehlo portal.example", "STARTTLS"]
    # The user "ana@odnowa" with the password "p:s/w".
    assert "AUTH PLAIN AGFuYUBvZG5vd2EAcDpzL3c=" in server.secured


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_start() -> None:
    with scripted_server(tls=True) as server:
        for transport in opened(f"smtps://127.0.0.1:{server.port}"):
            assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
        assert server.said == server.secured


@pytest.mark.usefixtures("trusted")
def test_a_password_of_any_letters_is_said_in_utf_8(server: Script) -> None:
    for transport in opened(f"smtp://ana:za%C5%BC%C3%B3%C5%82%C4%87@127.0.0.1:{server.port}"):
        assert transport.send(ENVELOPE, MESSAGE, nothing) == "250 taken"
    (said,) = [line.split()[-1] for line in server.said if line.startswith("AUTH")]
    assert base64.b64decode(said).decode() == "\0ana\0zażółć"


@pytest.mark.usefixtures("trusted")
def test_a_password_that_a_server_can_not_be_told_is_our_trouble(server: Script) -> None:
    server.answers["EHLO"] = "250-hello\r\n250-AUTH LOGIN\r\n250 STARTTLS"
    server.answers["AUTH"] = "334 VXNlcm5hbWU6"
    for transport in opened(f"smtp://an%C4%85:secret@127.0.0.1:{server.port}"):
        with pytest.raises(ServerAway):
            transport.send(ENVELOPE, MESSAGE, nothing)


@pytest.mark.usefixtures("trusted")
def test_wrong_password_is_our_trouble(server: Script) -> None:
    server.answers["AUTH"] = "535 wrong password"
    for transport in opened(f"smtp://ana:secret@127.0.0.1:{server.port}"):
        with pytest.raises(TryAgain, match="535 wrong password"):
            transport.send(ENVELOPE, MESSAGE, nothing)


@pytest.mark.usefixtures("trusted")
def test_server_without_starttls_gets_nothing(server: Script) -> None:
    server.answers["EHLO"] = "250 hello"
    for transport in opened(f"smtp://ana:secret@127.0.0.1:{server.port}"):
        with pytest.raises(TryAgain, match=Trouble.NOT_SECURE):
            transport.send(ENVELOPE, MESSAGE, nothing)
    assert not any(line.startswith(("AUTH", "mail")) for line in server.said)


def test_unknown_certificate_gets_nothing(server: Script) -> None:
    for transport in opened(f"smtp://ana:secret@127.0.0.1:{server.port}"):
        with pytest.raises(TryAgain, match=Trouble.NOT_SECURE):
            transport.send(ENVELOPE, MESSAGE, nothing)
    assert server.secured == []


def test_another_makers_server_gets_the_whole_mail(composing: Settings) -> None:
    """aiosmtpd: the envelope has one recipient, the headers the whole circle, the bytes are ours."""
    content = compose(letter(language="pl"), composing)
    with smtp_sink() as sink:
        for transport in opened(f"{sink.url}?tls=off"):
            transport.send(Envelope(composing.mail_from, DANA.email), content, nothing)
        (taken,) = sink.letters
    assert (taken.sender, taken.recipients) == (composing.mail_from, [DANA.email])
    assert taken.content == content
    mail = message_from_bytes(taken.content, policy=policy.default)
    assert str(mail["To"]) == f"{DANA.name} <{DANA.email}>, {JOAO.name} <{JOAO.email}>"
    assert str(mail["Cc"]) == f"{ANA.name} <{ANA.email}>"


@pytest.mark.settings(mail_url="inbox:")
def test_inbox_keeps_the_mail_at_its_own_date(app: Flask, composing: Settings) -> None:
    content = compose(letter(), composing)
    with app.app_context():
        inbox = open_transport(app.config["PORTAL"])
        order: list[str] = []
        reply = inbox.send(ENVELOPE, content, lambda: order.append("before"))
        kept = db.session.scalars(select(InboxMail)).one()
        assert (order, reply) == (["before"], "250 OK")
        assert (kept.sender, kept.recipient) == (ENVELOPE.sender, ENVELOPE.recipient)
        assert kept.message == content
        assert kept.received_at == letter().moment


@pytest.mark.settings(mail_url="inbox:")
def test_inbox_that_can_not_write_is_tried_again(app: Flask, composing: Settings) -> None:
    with app.app_context():
        db.metadata.tables["inbox_mail"].drop(db.engine)
        with pytest.raises(TryAgain, match=Trouble.BROKE):
            open_transport(app.config["PORTAL"]).send(
                ENVELOPE, compose(letter(), composing), nothing
            )


def refusal(**values: object) -> Callable[[], Transport]:
    return lambda: open_transport(Settings(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("open_it", "words"),
    [
        (refusal(mail_url="smtp://mail.example", demo=True), "demo"),
        (refusal(mail_url="smtp://"), "host"),
        (refusal(mail_url="smtp://mail.example:x"), "port"),
        (refusal(mail_url="smtp://mail.example?ssl=no"), "option"),
        (refusal(mail_url="smtps://mail.example?tls=off"), "option"),
        (refusal(mail_url="smtp://mail.example", mail_timeout=0), "PORTAL_MAIL_TIMEOUT"),
        (refusal(mail_from="Renewals <r@portal.example>"), "PORTAL_MAIL_FROM"),
    ],
)
def test_settings_that_can_not_work_are_refused(
    open_it: Callable[[], Transport], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        open_it()


def test_ports_are_the_usual_ones() -> None:
    plain = open_transport(Settings(mail_url="smtp://mail.example"))
    tls = open_transport(Settings(mail_url="smtps://mail.example"))
    assert isinstance(plain, SmtpTransport)
    assert isinstance(tls, SmtpTransport)
    assert (plain.server.port, plain.server.security) == (587, "starttls")
    assert (tls.server.port, tls.server.security) == (465, "tls")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("inbox:", None),
        ("smtp://user:secret@mail.example", "mail.example:587"),
        ("smtps://mail.example", "mail.example:465"),
        ("smtp://user:secret@[::1]:2525?tls=off", "[::1]:2525"),
    ],
)
def test_a_server_is_named_without_user_and_password(url: str, name: str | None) -> None:
    assert server_name(Settings(mail_url=url)) == name
