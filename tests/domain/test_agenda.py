"""The agenda of a client: its days by occasion, what bounds them, and the mail that is foreseen for each renewal."""

from datetime import date, datetime, timedelta

import pytest

from tests.domain.builders import DANA, client, partner, subscription, utc
from webapp.domain.agenda import NextMail, Occasion, agenda, next_mails
from webapp.domain.facts import ClientFacts, MailKind
from webapp.domain.ownership import Choice
from webapp.domain.recipients import ContactRole
from webapp.domain.steps import one_row

MONDAY = utc(2027, 3, 1, 12)
BASE = date(2027, 3, 31)
SINCE, UNTIL = date(2027, 2, 1), date(2028, 3, 1)
ONLY_DANA = {ContactRole.PRIMARY: DANA}


def days(known: ClientFacts, now: datetime = MONDAY, **bounds: date) -> list[tuple[str, date]]:
    given = {"since": SINCE, "until": UNTIL} | bounds
    return [(day.key, day.on) for day in agenda(known, now, **given)]


def test_each_renewal_has_its_deadline_its_date_and_its_next_mail() -> None:
    known = client(
        subscription(BASE, 7, deadline=date(2027, 3, 16)), subscription(date(2027, 5, 20), 8)
    )
    assert days(known) == [
        ("deadline-7-1", date(2027, 3, 16)),
        ("renewal-7-1", BASE),
        # 15 days are left, so the step of 30 days is due.
        ("mail-7-1-30", date(2027, 3, 1)),
        ("renewal-8-1", date(2027, 5, 20)),
        ("mail-8-1-90", date(2027, 3, 1)),
    ]


@pytest.mark.parametrize(
    ("bounds", "left"),
    [
        ({}, {"deadline", "renewal", "mail"}),
        ({"since": date(2027, 3, 16)}, {"deadline", "renewal"}),
        ({"since": date(2027, 3, 17)}, {"renewal"}),
        ({"until": date(2027, 3, 30)}, {"deadline", "mail"}),
        ({"until": date(2027, 3, 15)}, {"mail"}),
        ({"since": date(2027, 4, 1)}, set()),
    ],
)
def test_days_lie_between_two(bounds: dict[str, date], left: set[str]) -> None:
    known = client(subscription(BASE, deadline=date(2027, 3, 16)))
    assert {key.partition("-")[0] for key, _on in days(known, **bounds)} == left


@pytest.mark.parametrize(
    ("now", "step", "on"),
    [
        (utc(2027, 2, 26, 12), 60, date(2027, 2, 26)),
        # On Saturday mails wait for Monday, and by then the next step is due.
        (utc(2027, 3, 13, 12), 30, date(2027, 3, 15)),
        (utc(2027, 3, 17, 12), 14, date(2027, 3, 17)),
        (utc(2027, 3, 30, 12), 1, date(2027, 3, 30)),
    ],
)
def test_the_next_mail_goes_out_within_working_days(now: datetime, step: int, on: date) -> None:
    planned = [60, 30, 14, 7, 1]
    known = client(
        subscription(BASE, planned=frozenset(one for one in planned if one > step)),
        contacts=ONLY_DANA,
    )
    assert next_mails(known, now, UNTIL) == {1: NextMail(on, step, MailKind.REMINDER_CLIENT)}


def test_a_mail_that_several_wait_for_is_the_next_one_of_each() -> None:
    known = client(subscription(BASE, 1), subscription(BASE, 2), choice=Choice.PARTNER)
    told = NextMail(date(2027, 3, 1), 30, MailKind.REMINDER_PARTNER)
    assert next_mails(known, MONDAY, UNTIL) == {1: told, 2: told}


@pytest.mark.parametrize(
    "known",
    [
        client(subscription(BASE), partner=partner(sending=False)),
        client(subscription(BASE), partner=partner(steps=one_row(()))),
        client(subscription(date(2027, 2, 20))),
        client(subscription(BASE, planned=frozenset({1}))),
        client(),
    ],
    ids=["sending off", "no steps", "past", "all told", "no subscription"],
)
def test_no_mail_is_foreseen(known: ClientFacts) -> None:
    assert next_mails(known, MONDAY, UNTIL) == {}
    assert all(day.occasion is not Occasion.MAIL for day in agenda(known, MONDAY, SINCE, UNTIL))


def test_a_mail_after_the_last_day_is_left_out() -> None:
    known = client(subscription(date(2027, 8, 31)))
    [(_id, mail)] = next_mails(known, MONDAY, UNTIL).items()
    assert mail.on == date(2027, 6, 2)
    assert next_mails(known, MONDAY, mail.on - timedelta(days=1)) == {}


def test_names_keep_while_days_move_and_change_with_the_renewal() -> None:
    before = client(subscription(BASE, deadline=date(2027, 3, 16)))
    moved = client(subscription(BASE, deadline=date(2027, 3, 20)))
    corrected = client(subscription(BASE + timedelta(days=1), deadline=date(2027, 3, 16)))
    renewed = client(subscription(date(2028, 3, 31), deadline=date(2028, 3, 16), cycle=2))
    names = {key for key, _on in days(before)}
    assert names == {"deadline-1-1", "renewal-1-1", "mail-1-1-30"}
    for known in (moved, corrected):
        assert {key for key, _on in days(known)} == names
    assert not names & {key for key, _on in days(renewed, until=date(2028, 12, 31))}
