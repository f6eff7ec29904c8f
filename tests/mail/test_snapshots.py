"""Each kind of mail in each language, as it is read. A changed mail is looked at before it is kept:

PORTAL_UPDATE_SNAPSHOTS=1 pytest tests/mail/test_snapshots.py
"""

import os
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.mail.letters import LETTERS
from webapp.config import Settings
from webapp.i18n import CODES
from webapp.mail.compose import compose
from webapp.models import MailKind

FOLDER = Path(__file__).parent / "snapshots"


def readable(content: bytes) -> str:
    """Headers, plain text and HTML, decoded."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    headers = [f"{name}: {value}" for name, value in message.items() if name != "Content-Type"]
    text, html = (part.get_content() for part in message.iter_parts())
    return "\n".join([*headers, "", text, "-" * 76, html]).replace("\r\n", "\n")


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("name", LETTERS)
def test_mail_reads_as_kept(composing: Settings, name: str, language: str) -> None:
    mail = readable(compose(replace(LETTERS[name], language=language), composing))
    path = FOLDER / f"{name}.{language}.txt"
    if os.environ.get("PORTAL_UPDATE_SNAPSHOTS"):
        path.write_text(mail)
    assert mail == path.read_text()


def test_every_kind_has_its_snapshot() -> None:
    assert {letter.kind for letter in LETTERS.values()} == set(MailKind)
