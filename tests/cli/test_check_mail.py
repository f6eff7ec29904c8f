"""portal check --mail: one mail past the queue, to a real mail server."""

import json
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from tests.support.smtp import smtp_sink
from webapp.models import Delivery, db

DANA = "dana@acme.example"


@pytest.fixture
def sink(app):
    with smtp_sink() as running:
        app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=f"{running.url}?tls=off")
        yield running


def check(app, *arguments):
    return app.test_cli_runner().invoke(args=["check", "--mail", DANA, *arguments])


def test_the_mail_goes_out_at_once_and_the_server_is_quoted(app, sink):
    sink.answer = "250 2.0.0 queued as 4711"
    result = check(app)
    assert result.exit_code == 0, result.output
    server = sink.url.removeprefix("smtp://")
    assert result.output == (
        f"ok       test mail: {server} took a mail from renewals@portal.example to {DANA}, "
        "and said: 250 2.0.0 queued as 4711\n"
    )
    (letter,) = sink.letters
    assert (letter.sender, letter.recipients) == ("renewals@portal.example", [DANA])
    mail = message_from_bytes(letter.content, policy=policy.default)
    assert "http://portal.test" in mail.get_body(("plain",)).get_content()
    with app.app_context():
        assert db.session.query(Delivery).count() == 0


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [
        ("554 5.7.1 Relay access denied", "its policy refuses"),
        ("550 5.1.1 no such person", "it rejects this mail"),
        ("451 4.7.1 greylisted", "it wants the mail later"),
    ],
)
def test_a_refusal_is_quoted_and_explained(app, sink, reply, meaning):
    sink.refuse[DANA] = reply
    result = check(app)
    assert result.exit_code == 1
    assert f"{reply} ({meaning}" in result.output
    assert sink.letters == []


def test_an_account_is_never_printed(app, sink):
    url = sink.url.replace("//", "//portal:s3cret@")
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url=f"{url}?tls=off")
    result = check(app, "--json")
    assert result.exit_code == 1
    (finding,) = json.loads(result.output)
    assert (finding["check"], finding["ok"]) == ("test mail", False)
    assert "whoever a mail is for" in finding["text"]
    assert "s3cret" not in result.output


@pytest.mark.settings(mail_url="inbox:")
def test_inbox_sends_nothing_and_says_so(app):
    app.config["PORTAL"] = replace(app.config["PORTAL"], mail_url="inbox:")
    result = check(app)
    assert result.exit_code == 1
    assert "inbox:, which keeps mail in the database and reaches nobody" in result.output


def test_an_address_that_is_none(app):
    result = app.test_cli_runner().invoke(args=["check", "--mail", "dana"])
    assert result.exit_code == 2
    assert "'dana' is no e-mail address" in result.output
