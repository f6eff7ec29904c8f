"""Every text of every page and every mail is set: no line ends where webapp.typography does not want it.

What people and servers have written is theirs. So are the options of dropdowns, of which each is a line.
"""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tests.mail.letters import ALL, CLIENT, NOT_ARRIVED, OWN_WORDS
from tests.support.forms import pages
from tests.support.texts import Reader
from webapp.domain.snapshots import ReminderSnapshot
from webapp.i18n import CODES
from webapp.mail.compose import compose
from webapp.mail.letter import Letter
from webapp.services import runtime
from webapp.typography import set_text

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


THEIRS = (CLIENT.name, *OWN_WORDS.introduction, *OWN_WORDS.legal, NOT_ARRIVED.reply)


def faults(texts: list[str], language: str) -> Iterator[str]:
    for text in texts:
        ours = text
        for theirs in THEIRS:
            ours = ours.replace(theirs, "")
        if set_text(ours, language) != ours:
            yield text


@pytest.mark.parametrize("language", CODES)
def test_pages(app, browse, cast, values, language):
    found = set()
    for reader, address in pages(app, cast, values):
        mark = "&" if "?" in address else "?"
        answer = browse(reader).get(f"{address}{mark}lang={language}", follow_redirects=True)
        # What programs read is set by nobody.
        if answer.mimetype == "text/html":
            found |= set(faults(Reader(answer.get_data(as_text=True)).texts, language))
    assert found == set()


def in_language(letter: Letter, language: str) -> Letter:
    """The letter in a language, and with it the text that it has for the client."""
    snapshot = letter.snapshot
    if isinstance(snapshot, ReminderSnapshot) and snapshot.to_forward:
        to_forward = replace(snapshot.to_forward, language=language)
        snapshot = replace(snapshot, to_forward=to_forward)
    return replace(letter, language=language, snapshot=snapshot)


@pytest.mark.parametrize("language", CODES)
def test_mails(context, language):
    found = set()
    for letter in ALL.values():
        content = compose(in_language(letter, language), runtime.settings())
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        for kind, read in (("plain", str.splitlines), ("html", lambda html: Reader(html).texts)):
            body = message.get_body((kind,))
            assert body is not None
            found |= set(faults(read(body.get_content()), language))
    assert found == set()
