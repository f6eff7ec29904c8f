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
from webapp.domain.steps import Limits
from webapp.i18n import CODES
from webapp.mail.compose import compose, first_name
from webapp.mail.kinds import KINDS
from webapp.mail.letter import Letter, Posting
from webapp.models import MailKind
from webapp.typography import SPACE

DECIDED = replace(MARKETING, renews_itself=False)
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
    assert mail(composing, of, "en")["Subject"].endswith(": ends on 20 February 2027")


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
        "Ends, unless it is renewed, on",
        "To change or stop it, decide by",
        "Renews by itself on",
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
    ("lines", "asked"),
    [
        ((DECIDED,), "What shall we renew, change or end? Tell us by 3 March 2026."),
        ((MARKETING,), "Shall we change or end anything? Tell us by 3 March 2026."),
        (
            (SALES, MARKETING),
            "What shall we renew, change or end? Tell us in good time before the renewal.",
        ),
    ],
)
def test_a_text_to_forward_asks_for_an_answer_by_a_deadline_alone(
    composing: Settings, lines: tuple[SubscriptionLine, ...], asked: str
) -> None:
    of = LETTERS["reminder_partner"]
    assert isinstance(of.snapshot, ReminderSnapshot)
    told = replace(of.snapshot, subscriptions=lines, to_forward=TextToForward("en", ()))
    text = body(mail(composing, replace(of, snapshot=told), "en"), "plain")
    assert asked in text.replace(SPACE, " ").splitlines()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            SALES,
            [
                "Ends, unless it is renewed, on: 20 February 2026 (tomorrow)",
            ],
        ),
        (
            DECIDED,
            [
                "Decision deadline: 3 March 2026 (in 12 days)",
                "Ends, unless it is renewed, on: 17 April 2026 (in 57 days)",
                "Amount for 12 months: PLN 9,600.00",
            ],
        ),
        (
            MARKETING,
            [
                "To change or stop it, decide by: 3 March 2026 (in 12 days)",
                "Renews by itself on: 17 April 2026 (in 57 days)",
                "Amount for 12 months: PLN 9,600.00",
            ],
        ),
        (
            replace(MARKETING, deadline=None, base_date=MARKETING.renewal_date, term_months=None),
            [
                "Renews by itself on: 17 April 2026 (in 57 days)",
                "Amount: PLN 9,600.00",
            ],
        ),
    ],
)
@pytest.mark.parametrize("name", ["reminder_client", "reminder_partner", "nobody_to_tell"])
def test_a_reminder_tells_the_end_of_the_term(
    composing: Settings, name: str, line: SubscriptionLine, said: list[str]
) -> None:
    of = LETTERS[name]
    assert isinstance(of.snapshot, ReminderSnapshot)
    about = replace(of, snapshot=replace(of.snapshot, subscriptions=(line,)))
    text = body(mail(composing, about, "en"), "plain").replace(SPACE, " ").splitlines()
    first = text.index(f"- {line.product}") + 1
    assert [row.strip() for row in text[first : text.index("", first)]] == said


@pytest.mark.parametrize(
    ("lines", "to_do"),
    [
        ((SALES,), ["Decide in good time what to renew, change or end."]),
        (
            (MARKETING,),
            ["What renews by itself goes on unless you decide otherwise in good time."],
        ),
        (
            (SALES, MARKETING),
            [
                "Decide in good time what to renew, change or end.",
                "What renews by itself goes on unless you decide otherwise in good time.",
            ],
        ),
    ],
)
def test_what_to_do_depends_on_what_happens_at_the_end(
    composing: Settings, lines: tuple[SubscriptionLine, ...], to_do: list[str]
) -> None:
    of = letter(snapshot=snapshot(subscriptions=lines))
    text = body(mail(composing, of, "en"), "plain").splitlines()
    first = text.index("What to do:") + 2
    assert text[first : first + len(to_do) + 1][:-1] == [f"- {one}" for one in to_do]
    assert text[first + len(to_do)].startswith("- Questions and decisions")


@pytest.mark.parametrize(
    ("limits", "schedule"),
    [
        (((0, 1),), ["Reminder schedule: terms up to 1 month."]),
        (((3, None), (3, None)), ["Reminder schedule: terms longer than 3 months."]),
        (((1, 3), (0, 1)), ["Reminder schedule: terms up to 3 months, terms up to 1 month."]),
        (((0, None),), []),
    ],
)
@pytest.mark.parametrize("name", ["reminder_client", "reminder_partner", "nobody_to_tell"])
def test_the_reason_of_a_reminder_names_the_rows_of_its_steps(
    composing: Settings, name: str, limits: tuple[Limits, ...], schedule: list[str]
) -> None:
    of = LETTERS[name]
    assert isinstance(of.snapshot, ReminderSnapshot)
    lines = tuple(replace(SALES, limits=each) for each in limits)
    message = mail(composing, replace(of, snapshot=replace(of.snapshot, subscriptions=lines)), "en")
    for said in (body(message, "plain").splitlines(), Reader(body(message, "html")).texts):
        assert [text.replace(SPACE, " ") for text in said if "schedule" in text] == schedule


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        ((SALES,), "Sales Hub Starter: ends on 20 February"),
        ((replace(SALES, renews_itself=True),), "Sales Hub Starter: renews on 20 February"),
        ((DECIDED,), "Marketing Hub Professional: decision by 3 March"),
        ((MARKETING,), "Marketing Hub Professional: decision by 3 March"),
        ((SALES, MARKETING), "Sales Hub Starter +1: ends on 20 February"),
    ],
)
def test_a_subject_tells_what_comes_first(
    composing: Settings, lines: tuple[SubscriptionLine, ...], subject: str
) -> None:
    message = mail(composing, letter(snapshot=snapshot(subscriptions=lines)), "en")
    assert message["Subject"] == subject
