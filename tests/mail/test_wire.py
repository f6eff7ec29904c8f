"""Headers as other people's programs read them: whole names, whole circles, nothing smuggled in."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from flask import current_app
from hypothesis import given
from hypothesis import strategies as st

from tests.mail.letters import ALL, ANA, CLIENT, DANA, JOAO, LETTERS, letter, snapshot
from webapp.config import Settings
from webapp.domain.snapshots import Party
from webapp.i18n import LANGUAGES
from webapp.mail.addresses import AddressError, one_line
from webapp.mail.compose import compose
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Posting, new_message_id
from webapp.mail.wire import header, mailbox, mailboxes, unstructured
from webapp.models import MailKind
from webapp.typography import plain

NAMES = [
    "Łódź, Sp. z o.o.",
    'Jan "Łuki" Nowak',
    'Ana, "B" (x) <y@z.example>',
    "José da Silva Albuquerque Gonçalves de Assunção e Conceição, Filho",
    "Team: ana@odnowa.example;",
    "a" * 200,
    "ż" * 200,
    r"back\slash",
    "=?utf-8?q?Boss?=",
    "x =?utf-8?q?=0d=0aBcc:_a?= ł",
    "",
]
SMUGGLED = [
    "Ana\r\nBcc: eve@example.com",
    "Ana\nBcc: eve@example.com",
    "Ana\rBcc: eve@example.com",
    "Ana\x00\r\n\r\nHello",
    "Ana\u2028Bcc: eve@example.com",
    "Ana\x85Bcc: eve@example.com",
    "Ana <eve@example.com>, \r\n x",
    "\u202eelpmaxe.evil",
]


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part_of(content: bytes, kind: str) -> list[str]:
    """The lines of the mail's ``plain`` or ``html`` part, with plain spaces."""
    part = parsed(content).get_body((kind,))
    assert part is not None
    return plain(part.get_content()).splitlines()


def decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


@pytest.mark.parametrize("name", NAMES)
def test_name_and_everybody_after_it_survive(name: str) -> None:
    parties = [Party(name, "one@odnowa.example"), ANA, Party(name, "two@odnowa.example")]
    line = mailboxes(parties)
    read = getaddresses([line.replace("\r\n", "")])
    assert [(decoded(one), email) for one, email in read] == [
        (one.name, one.email) for one in parties
    ]


@given(st.text(max_size=200))
def test_any_text_becomes_a_header_value_and_is_read_back(text: str) -> None:
    text = text.encode(errors="replace").decode()
    value = unstructured(text)
    header("Subject", value or "-")
    assert decoded(value.replace("\r\n", "")) == one_line(text)


@pytest.mark.parametrize("text", SMUGGLED)
def test_nothing_is_smuggled_into_a_mail(composing: Settings, text: str) -> None:
    changed = snapshot(client=replace(CLIENT, name=text), contact=Party(text, ANA.email))
    party = Party(text, DANA.email)
    mail = parsed(
        compose(
            letter(
                recipient=party,
                to=(party, JOAO),
                sender_name=text,
                reply_to=party,
                snapshot=changed,
            ),
            composing,
        )
    )
    plain = parsed(compose(letter(), composing))
    assert mail.keys() == plain.keys()
    assert [one.addr_spec for one in mail["To"].addresses] == [DANA.email, JOAO.email]
    assert [one.addr_spec for one in mail["From"].addresses] == [composing.mail_from]


@pytest.mark.parametrize(
    "email", ["a@x.example\r\nBcc: b@x.example", "żółw@x.example", "a@b, c@d", ""]
)
def test_address_that_was_never_checked_is_refused(email: str) -> None:
    with pytest.raises(AddressError):
        mailbox(Party("Ana", email))


@pytest.mark.parametrize("value", ["a\r\nBcc: b", "a\nb", "ż", "", "a\x00"])
def test_header_value_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="References"):
        header("References", value)


def check_lines(content: bytes) -> None:
    """Seven bits, CRLF, lines of 78, and of 76 where a word is encoded (RFC 5322, 2.1.1; RFC 2047, 2)."""
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    lines = content.split(b"\r\n")
    assert [line for line in lines if len(line) > (76 if b"=?" in line else 78)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_mail_is_seven_bit_with_crlf_and_short_lines(
    composing: Settings, name: str, language: str
) -> None:
    check_lines(compose(replace(ALL[name], language=language), composing))


@pytest.mark.parametrize(
    "name", ["Żaneta Ślązak-Brzęczyszczykiewicz", "ż" * 200, "a" * 56, "a" * 57]
)
@pytest.mark.parametrize("longest", [1, 20, 40, 52])
def test_long_names_and_addresses_stay_on_short_lines(
    composing: Settings, name: str, longest: int
) -> None:
    parties = tuple(
        Party(name[:-length], "a" * length + "@firm.example") for length in (1, longest)
    )
    content = compose(
        letter(to=parties, cc=parties, reply_to=parties[1], sender_name=name), composing
    )
    check_lines(content)
    mail = message_from_bytes(content)
    for header_name in ("To", "Cc"):
        read = getaddresses([mail[header_name].replace("\r\n", "")])
        assert [(decoded(one), email) for one, email in read] == [
            (party.name, party.email) for party in parties
        ]


def test_many_references_stay_on_short_lines(composing: Settings) -> None:
    roots = " ".join(f"<renewal-{number}-1@portal.example>" for number in range(60))
    content = compose(letter(references=roots), composing)
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert parsed(content)["References"] == roots


def test_composed_twice_it_is_the_same(composing: Settings) -> None:
    assert compose(letter(), composing) == compose(letter(), composing)


def test_html_escapes_what_people_typed(composing: Settings) -> None:
    changed = snapshot(client=replace(CLIENT, name="<b>A & B</b>"))
    html = part_of(compose(letter(snapshot=changed), composing), "html")
    assert "Company: &lt;b&gt;A &amp; B&lt;/b&gt;" in [line.strip() for line in html]


@pytest.mark.parametrize(
    ("day", "lines"),
    [
        (
            20,
            [
                "  Ends, unless it is renewed, on: 20 February 2026 (today)",
                "  Renews by itself on: 17 April 2026 (in 56 days)",
            ],
        ),
        (
            23,
            [
                "  Ends, unless it is renewed, on: 20 February 2026",
                "  Renews by itself on: 17 April 2026 (in 53 days)",
            ],
        ),
    ],
)
def test_days_count_from_the_day_it_goes_out(
    composing: Settings, day: int, lines: list[str]
) -> None:
    """Planned on the 19th and held back."""
    late = letter(moment=letter().moment.replace(day=day))
    text = part_of(compose(late, composing), "plain")
    assert [line for line in text if "renew" in line.lower() and "2026" in line] == lines


def test_account_mails_name_the_portal_as_its_operator_does(composing: Settings) -> None:
    for name, said in (("Acme Renewals", "Acme Renewals"), ("", "Portal odnowień")):
        named = replace(composing, name=name)
        posting = Posting(DANA.email, "pl", "<one@portal.example>", letter().moment)
        snapshot = LETTERS["invitation"].snapshot
        message = parsed(
            compose(KINDS[MailKind.INVITATION].letter(snapshot, posting, named), named)
        )
        assert message["From"].addresses[0].display_name == said
        assert f"do serwisu {said}" in message["Subject"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LETTERS)
def test_subjects_have_plain_spaces_and_texts_keep_lines_together(
    composing: Settings, name: str, language: str
) -> None:
    message = parsed(compose(replace(LETTERS[name], language=language), composing))
    assert plain(message["Subject"]) == message["Subject"]
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        # An admin's notice tells no day.
        assert name == "admin_notice" or "\u00a02026" in body.get_content()


def test_message_ids_differ_and_name_the_senders_domain(composing: Settings) -> None:
    first, second = new_message_id(composing), new_message_id(composing)
    assert first != second
    assert first.startswith("<")
    assert first.endswith("@portal.example>")


@pytest.mark.parametrize("name", ["reminder_client", "reminder_client_copy", "nobody_to_tell"])
def test_button_leads_to_a_page(composing: Settings, name: str) -> None:
    html = "\n".join(part_of(compose(LETTERS[name], composing), "html"))
    address = re.search(r'class="button"[^>]*><a href="([^"]+)"', html)
    assert address is not None
    path = address[1].removeprefix(composing.base_url)
    current_app.url_map.bind("portal.example").match(path, method="GET")
