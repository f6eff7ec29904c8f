"""Snapshots: stored and read they are the same, and what earlier versions stored is read, too."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.domain.builders import client, partner, subscription, utc
from tests.mail.letters import ACCOUNT, LETTERS, TAKEOVER, snapshot
from webapp.domain.ownership import Owner
from webapp.domain.recipients import ContactRole, Place, Reason
from webapp.domain.reminders import Item, plan_on
from webapp.domain.snapshots import (
    AccountSnapshot,
    CircleMember,
    ClientName,
    DayTold,
    Gist,
    PartnerName,
    Party,
    ReminderSnapshot,
    Snapshot,
    SnapshotError,
    SubscriptionLine,
    TakenOver,
    TakeoverSnapshot,
)
from webapp.domain.steps import DEFAULT_STEPS


def stored(one):
    """Return a snapshot's JSON as the database would."""
    return json.loads(json.dumps(one.to_json()))


@pytest.mark.parametrize("name", LETTERS)
def test_what_is_stored_is_read_as_the_same(name):
    one = LETTERS[name].snapshot
    assert stored(one)["version"] == 2
    assert type(one).from_json(stored(one)) == one
    tried = replace(one, test=True)
    assert type(one).from_json(stored(tried)) == tried != one


def test_a_mail_from_before_there_were_words_of_a_partners_own_has_none():
    earlier = stored(snapshot())
    del earlier["letterhead"], earlier["to_forward"]
    assert ReminderSnapshot.from_json(earlier) == snapshot()


def test_a_mail_from_before_terms_were_told_is_about_what_must_be_decided():
    earlier = stored(snapshot())
    for line in earlier["subscriptions"]:
        del line["term_months"], line["renews_itself"], line["limits"]
    lines = ReminderSnapshot.from_json(earlier).subscriptions
    assert {(line.term_months, line.renews_itself, line.limits) for line in lines} == {
        (None, False, (0, None))
    }


@pytest.mark.parametrize(
    ("term", "renews_itself", "limits"),
    [(1, False, (0, 1)), (3, True, (1, 3)), (12, False, (3, None))],
)
def test_a_reminder_tells_the_term_its_end_and_the_row_of_its_steps(term, renews_itself, limits):
    base = date(2026, 4, 17)
    facts = client(
        subscription(base, term_months=term, renews_itself=renews_itself),
        partner=partner(steps=DEFAULT_STEPS),
    )
    plan = plan_on(facts, base, [Item(facts.subscriptions[0], 1)], utc(2026, 4, 16, 8))
    (line,) = ReminderSnapshot.of(facts, plan.circle, plan.mails[0], {}).subscriptions
    assert (line.term_months, line.renews_itself, line.limits) == (term, renews_itself, limits)


def test_an_amount_is_the_same_however_it_is_written():
    (first, *_) = snapshot().subscriptions
    rounded = replace(first, amount=Decimal(9600))
    assert snapshot(subscriptions=(first,)) == snapshot(subscriptions=(rounded,))
    assert stored(snapshot(subscriptions=(rounded,)))["subscriptions"][0]["amount"] == "9600.00"


# As the versions before the number stored it.
REMINDER_1 = {
    "owner": "vendor",
    "client": {"id": 7, "name": "Acme", "time_zone": "Europe/Warsaw"},
    "partner": {"id": 1, "name": "Odnowa"},
    "recipient": "Dana",
    "circle": [
        {
            "user_id": 11,
            "name": "Dana",
            "email": "dana@acme.example",
            "language": "pl",
            "place": "to",
            "reasons": ["primary", "billing"],
        }
    ],
    "missing": ["decision_maker"],
    "refused": [{"name": "Dave", "email": "dave@acme.example"}],
    "contact": {"name": "Ana", "email": "ana@odnowa.example"},
    "subscriptions": [
        {
            "id": 3,
            "product": "Marketing Hub",
            "cycle": 2,
            "step": 30,
            "renewal_date": "2026-04-17",
            "deadline": "2026-03-03",
            "base_date": "2026-03-03",
            "amount": "9600.00",
            "currency": "PLN",
        }
    ],
}
TAKEOVER_1 = {
    "partner": {"id": 1, "name": "Odnowa"},
    "recipient": "Ana",
    "time_zone": "Europe/Warsaw",
    "clients": [
        {
            "id": 7,
            "name": "Acme",
            "owner": "partner",
            "sent": [{"day": "2026-01-21", "people": ["Dana"]}],
            "next": [{"day": "2026-02-17", "products": ["Marketing Hub"], "people": ["Ana"]}],
        }
    ],
}
ACCOUNT_1 = {
    "organisation": "Acme",
    "inviter": None,
    "expires": "2026-02-26T08:00:00+00:00",
}


def test_a_reminder_of_the_first_version_is_read():
    assert ReminderSnapshot.from_json(REMINDER_1) == ReminderSnapshot(
        recipient="Dana",
        owner=Owner.VENDOR,
        client=ClientName(7, "Acme", "Europe/Warsaw"),
        partner=PartnerName(1, "Odnowa"),
        circle=(
            CircleMember(
                11,
                "Dana",
                "dana@acme.example",
                "pl",
                Place.TO,
                (Reason.PRIMARY, Reason.BILLING),
            ),
        ),
        missing=(ContactRole.DECISION_MAKER,),
        rejected=(Party("Dave", "dave@acme.example"),),
        contact=Party("Ana", "ana@odnowa.example"),
        subscriptions=(
            SubscriptionLine(
                id=3,
                product="Marketing Hub",
                cycle=2,
                step=30,
                renewal_date=date(2026, 4, 17),
                deadline=date(2026, 3, 3),
                base_date=date(2026, 3, 3),
                amount=Decimal(9600),
                currency="PLN",
            ),
        ),
    )


def test_a_note_of_the_first_version_is_read_with_or_without_products():
    (client,) = TakeoverSnapshot.from_json(TAKEOVER_1).clients
    assert client == TakenOver(
        7,
        "Acme",
        Owner.PARTNER,
        sent=(DayTold(date(2026, 1, 21), (), ("Dana",)),),
        next=(DayTold(date(2026, 2, 17), ("Marketing Hub",), ("Ana",)),),
    )


def test_an_account_mail_of_the_first_version_is_read_without_name_and_time_zone():
    read = AccountSnapshot.from_json(ACCOUNT_1)
    assert (read.recipient, read.time_zone) == ("", "UTC")
    assert read.expires == datetime(2026, 2, 26, 8, tzinfo=UTC)
    assert AccountSnapshot.from_json(ACCOUNT_1 | {"time_zone": "Europe/Warsaw"}).time_zone == (
        "Europe/Warsaw"
    )


def test_a_test_mail_of_the_first_version_stays_one():
    assert ReminderSnapshot.from_json(REMINDER_1 | {"test": True}).test


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        (ReminderSnapshot, {"owner": "nobody"}, "nobody"),
        (ReminderSnapshot, {"circle": None}, "circle|NoneType"),
        (ReminderSnapshot, {"partner": {"name": "Odnowa"}}, "KeyError.*id"),
        (ReminderSnapshot, {"recipient": None}, "recipient is no text"),
        (ReminderSnapshot, {"letterhead": {"legal": [1]}}, "legal has lines that are no text"),
        (ReminderSnapshot, {"to_forward": {"introduction": []}}, "KeyError.*language"),
        (ReminderSnapshot, {"version": 3}, "version 3: this portal reads 1 to 2"),
        (TakeoverSnapshot, {"clients": [{}]}, "KeyError"),
        (AccountSnapshot, {"expires": "soon"}, "soon"),
    ],
)
def test_what_cannot_be_read_says_why(kind, changed, words):
    whole = {
        ReminderSnapshot: stored(snapshot()),
        TakeoverSnapshot: stored(TAKEOVER),
        AccountSnapshot: stored(ACCOUNT),
    }[kind]
    assert kind.from_json(whole)
    with pytest.raises(SnapshotError, match=words):
        kind.from_json(whole | changed)


def test_nothing_stored_is_no_snapshot():
    with pytest.raises(SnapshotError, match="recipient"):
        Snapshot.from_json({})


def test_a_reminder_tells_each_person_why_and_about_what():
    stored = snapshot().to_json()
    products = ("Marketing Hub Professional", "Sales Hub Starter")
    assert ReminderSnapshot.told(stored, 11) == Gist((Reason.PRIMARY, Reason.BILLING), products)
    assert ReminderSnapshot.told(stored, 99) == Gist((), products)


@pytest.mark.parametrize("changed", [{"version": 99}, {"circle": [1]}, {"subscriptions": [{}]}])
def test_an_unreadable_reminder_tells_nothing(changed):
    assert ReminderSnapshot.told(snapshot().to_json() | changed, 11) == Gist()


def test_a_reminder_is_about_the_last_of_its_renewals():
    first, *_others = snapshot().subscriptions
    later = replace(first, renewal_date=date(2031, 2, 3))
    assert replace(snapshot(), subscriptions=(later, first)).renewal_on == later.renewal_date
    assert replace(snapshot(), subscriptions=(first,)).renewal_on == first.renewal_date


@pytest.mark.parametrize("one", [ACCOUNT, TAKEOVER], ids=["account", "takeover"])
def test_other_mails_are_about_no_renewal_date(one):
    assert one.renewal_on is None
