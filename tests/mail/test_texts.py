"""The texts of each kind of mail in each language: subjects, greetings, paragraphs, style."""

import re
from dataclasses import replace
from email.message import EmailMessage

import pytest

from tests.mail.letters import ALL, CLIENT, DANA, LETTERS, MARKETING, SALES, letter, snapshot
from tests.mail.test_wire import parsed
from tests.support.texts import Reader
from webapp.config import Settings
from webapp.domain.snapshots import (
    ReminderSnapshot,
    SubscriptionLine,
    TakeoverSnapshot,
    TextToForward,
)
from webapp.i18n import CODES
from webapp.mail.compose import compose, first_name
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter, Posting
from webapp.models import MailKind
from webapp.typography import SPACE

# A subject may have so many characters, and a name of twenty must find a place in it.
LONGEST, NAME = 60, 20


def mail(composing: Settings, of: Letter, language: str) -> EmailMessage:
    return parsed(compose(replace(of, language=language), composing))


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("name", ALL)
def test_subjects_leave_room_for_a_name(composing: Settings, name: str, language: str) -> None:
    subject = mail(composing, ALL[name], language)["Subject"]
    for known in (CLIENT.name, MARKETING.product, SALES.product):
        subject = subject.replace(known, "x" * NAME)
    assert len(subject) <= LONGEST, subject


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("name", ALL)
def test_subjects_begin_with_what_tells_mails_apart(
    composing: Settings, name: str, language: str
) -> None:
    of = ALL[name]
    subject = mail(composing, of, language)["Subject"]
    if not isinstance(of.snapshot, (ReminderSnapshot, TakeoverSnapshot)):
        return
    at_client = of.recipient == DANA
    begins = (MARKETING.product, SALES.product) if at_client else (CLIENT.name,)
    assert subject.startswith(begins)
    assert "2026" not in subject


@pytest.mark.parametrize("name", ["reminder_partner", "reminder_client_copy"])
def test_a_subject_about_several_calls_no_deadline_a_renewal(
    composing: Settings, name: str
) -> None:
    both = (MARKETING, replace(SALES, base_date=MARKETING.base_date))
    of = replace(LETTERS[name], snapshot=snapshot(subscriptions=both))
    assert mail(composing, of, "en")["Subject"].startswith(f"{CLIENT.name}: decision by 3 March")


def test_a_subject_has_the_year_of_a_far_day(composing: Settings) -> None:
    far = replace(SALES, base_date=SALES.base_date.replace(year=2027))
    of = letter(snapshot=snapshot(subscriptions=(far,)))
    assert mail(composing, of, "en")["Subject"].endswith(": renewal on 20 February 2027")


@pytest.mark.parametrize(
    ("language", "greeting"),
    [("en", "Hello Dana,"), ("pt", "Olá, Dana,"), ("pl", "Dzień dobry,")],
)
def test_a_mail_greets_its_reader(composing: Settings, language: str, greeting: str) -> None:
    message = mail(composing, letter(), language)
    assert body(message, "plain").splitlines()[:2] == [greeting, ""]
    assert Reader(body(message, "html")).texts.count(greeting) == 1


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ana Żak", "Ana"),
        ("Łucja", "Łucja"),
        ("Anna-Maria Nowak", "Anna-Maria"),
        ("D'Angelo Souza", "D'Angelo"),
        ("Żak, Ana", ""),
        ("Dr. Ana Żak", ""),
        ("J. Żak", ""),
        ("ana.zak@odnowa.example", ""),
        ("007", ""),
        ("", ""),
    ],
)
def test_the_name_to_greet_by(name: str, first: str) -> None:
    assert first_name(name) == first


@pytest.mark.parametrize(("language", "greeting"), [("en", "Hello,"), ("pt", "Olá,")])
def test_nobody_is_greeted_by_half_a_name(
    composing: Settings, language: str, greeting: str
) -> None:
    of = letter(recipient=replace(DANA, name="Kowalska, Dana"))
    assert body(mail(composing, of, language), "plain").splitlines()[0] == greeting


@pytest.mark.parametrize("language", CODES)
@pytest.mark.parametrize("name", ALL)
def test_each_paragraph_of_the_text_is_one_line(
    composing: Settings, name: str, language: str
) -> None:
    message = mail(composing, ALL[name], language)
    lines = body(message, "plain").splitlines()
    long = [text for text in Reader(body(message, "html")).texts if len(text) > 40]
    assert long
    assert [text for text in long if not any(text in line for line in lines)] == []


def test_the_nearest_date_comes_first(composing: Settings) -> None:
    lines = body(mail(composing, letter(), "en"), "plain").splitlines()
    dates = [line for line in lines if "2026" in line]
    assert [line.partition(":")[0].strip() for line in dates] == [
        "Renewal date",
        "Decision deadline",
        "Renewal date",
    ]


@pytest.mark.parametrize("kind", [MailKind.REMINDER_CLIENT, MailKind.NOBODY_TO_TELL])
def test_where_the_vendor_owns_the_partner_is_still_the_sender(
    composing: Settings, kind: MailKind
) -> None:
    posting = Posting(DANA.email, "pl", "<one@portal.example>", letter().moment)
    assert KINDS[kind].letter(snapshot(), posting, composing).sender_name == "Odnowa (HubSpot)"


@pytest.mark.parametrize("name", LETTERS)
def test_style_stands_where_every_program_reads_it(composing: Settings, name: str) -> None:
    html = body(mail(composing, LETTERS[name], "en"), "html")
    for tag in ("body", "table", 'td class="button"', "a href", "p class"):
        assert re.search(rf"<{tag}[^>]* style=\"[^\"]+\"", html), tag
    (kept,) = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    dark = kept.partition("@media (prefers-color-scheme: dark)")[2]
    assert dark.count("!important;") == dark.count(";") > 5
    assert "{%" not in html
    assert "\ue000" not in html


@pytest.mark.parametrize("name", LETTERS)
def test_no_machine_answers(composing: Settings, name: str) -> None:
    message = mail(composing, LETTERS[name], "en")
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "name", ["reminder_client", "nobody_to_tell", "invitation", "password_reset"]
)
def test_addresses_have_letters_where_they_are_read(composing: Settings, name: str) -> None:
    abroad = replace(DANA, email="dana@xn--w-uga1v8h.example")
    of = replace(LETTERS[name], recipient=abroad, to=(abroad,), reply_to=abroad)
    if isinstance(of.snapshot, ReminderSnapshot):
        of = replace(of, snapshot=replace(of.snapshot, contact=abroad, rejected=(abroad,)))
    if name == "reminder_client":
        of = replace(of, recipient=DANA)
    message = mail(composing, of, "en")
    assert message["To"].addresses[0].addr_spec == abroad.email
    for kind in ("plain", "html"):
        assert "dana@żółw.example" in body(message, kind)
        assert "xn--" not in body(message, kind)


@pytest.mark.parametrize(
    ("subscription", "asked"),
    [
        (MARKETING, "Tell us by 3 March 2026."),
        (SALES, "Tell us in good time before the renewal."),
    ],
)
def test_a_text_to_forward_asks_for_an_answer_by_a_deadline_alone(
    composing: Settings, subscription: SubscriptionLine, asked: str
) -> None:
    of = LETTERS["reminder_partner"]
    assert isinstance(of.snapshot, ReminderSnapshot)
    told = replace(of.snapshot, subscriptions=(subscription,), to_forward=TextToForward("en", ()))
    text = body(mail(composing, replace(of, snapshot=told), "en"), "plain")
    assert asked in text.replace(SPACE, " ")
