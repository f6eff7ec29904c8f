"""Two people, or one in two tabs, who have the same form open: whoever saves second sees what the first changed."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.support.cast import Cast, unit_of_work
from tests.support.forms import shown_in, shown_to
from webapp.models import Delivery, DeliveryState, MailKind, User, db

Fields = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of form: where ``first`` and ``second`` send theirs, with which fields, and what ``second`` then sees.

    ``told``: what the first changed, as the second is told. ``kept``: the second's input. ``page``: where
    the forms stand, if not at their addresses. ``others``: the fields that both leave as they are.
    """

    name: str
    people: tuple[str, str]
    first: tuple[str, Fields]
    second: tuple[str, Fields]
    told: tuple[str, ...]
    kept: str
    page: str = ""
    others: Fields = field(default_factory=dict)
    # A decision can't be replaced by another one.
    final: bool = False


def same_address(address: str, first: Fields, second: Fields) -> dict[str, Any]:
    return {"first": (address, first), "second": (address, second)}


PARTNER, COMPANY = ("bob", "alice"), ("dave", "dana")
SETTINGS, DELIVERIES = "/settings/partners", "/partner/deliveries"
TEXTS = "/settings/mail-texts"
SCHEDULE = {"window_opens": "09:00", "window_closes": "17:00", "window_days": list("01234")}
PERSON = {"email": "dave@acme.example", "language": ""}
KINDS = [
    Kind(
        "client",
        PARTNER,
        **same_address(
            "/partner/clients/{client}/edit", {"name": "Acme One"}, {"name": "Acme Two"}
        ),
        told=("<del>Acme</del>", "<strong>Acme One</strong>"),
        kept='value="Acme Two"',
        others={"language": "en", "time_zone": "Europe/Warsaw"},
    ),
    Kind(
        "subscription",
        PARTNER,
        **same_address(
            "/partner/subscriptions/{subscription}/edit",
            {"product": "Hub One"},
            {"product": "Hub Two"},
        ),
        told=("<del>Marketing Hub</del>", "<strong>Hub One</strong>"),
        kept='value="Hub Two"',
        others={"term_months": "12", "renewal_date": "2027-03-31"},
    ),
    Kind(
        "renewal",
        PARTNER,
        first=("/partner/subscriptions/{subscription}/renewed", {}),
        second=("/partner/subscriptions/{subscription}/cancelled", {}),
        told=("<del>31 Mar 2027</del>", "<strong>31 Mar 2028</strong>"),
        kept="Mark as not renewed",
        others={"term_months": "12", "reason": ""},
    ),
    Kind(
        "renewal owner",
        PARTNER,
        **same_address(
            "/partner/clients/{client}/renewal-owner",
            {"choice": "partner", "contact_id": "{bob}"},
            {"choice": "vendor", "contact_id": ""},
        ),
        told=("<del>Default</del>", "<strong>Partner</strong>", "<strong>Bob</strong>"),
        kept='checked id="choice-1"',
    ),
    Kind(
        "default",
        PARTNER,
        **same_address(f"{SETTINGS}/default", {"owner": "partner"}, {"owner": "vendor"}),
        told=("<del>HubSpot</del>", "<strong>Partner</strong>"),
        kept='<option selected value="vendor">',
        page=SETTINGS,
        others={"notified_user_id": "{alice}"},
    ),
    Kind(
        "schedule",
        PARTNER,
        **same_address(f"{SETTINGS}/schedule", {"decided_1": "45, 7"}, {"decided_1": "30"}),
        told=(
            "<del>terms up to 1 month: 7, 1 (must be decided), none (renews by itself); ",
            "longer than 3 months: 90, 60, 30, 14, 7, 1</del>",
            "<strong>all terms: 45, 7 (must be decided), none (renews by itself)</strong>",
        ),
        kept='value="30"',
        page=SETTINGS,
        others=SCHEDULE,
    ),
    Kind(
        "end of terms",
        PARTNER,
        **same_address(
            f"{SETTINGS}/terms",
            {"renews_itself": "1", "deadline_unit": "D", "deadline_count": "45"},
            {"renews_itself": "0", "deadline_unit": "M", "deadline_count": "3"},
        ),
        told=(
            "<strong>Renews by itself</strong>",
            "<strong>45 days before the renewal date</strong>",
        ),
        kept='<option selected value="M">',
        page=SETTINGS,
    ),
    Kind(
        "switch",
        PARTNER,
        **same_address(f"{SETTINGS}/switches/insistent", {"on": "1"}, {"on": "0"}),
        told=(
            "<del>Hold it for a person</del>",
            "<strong>Send it again by itself, once</strong>",
        ),
        kept='checked id="on-0"',
        page=SETTINGS,
    ),
    Kind(
        "company data",
        PARTNER,
        **same_address(f"{TEXTS}/company", {"legal": "One"}, {"legal": "Two"}),
        told=("Company data: <del>–</del>", "<strong>One</strong>"),
        kept="Two</textarea>",
        page=TEXTS,
    ),
    Kind(
        "mail texts",
        PARTNER,
        **same_address(f"{TEXTS}/pl", {"introduction": "One"}, {"introduction": "Two"}),
        told=("Introduction: <del>–</del>", "<strong>One</strong>"),
        kept="Two</textarea>",
        page=TEXTS,
        others={"signature": "Odnowa"},
    ),
    Kind(
        "member of the team",
        PARTNER,
        **same_address("/settings/team/{bob}", {"job_title": "One"}, {"job_title": "Two"}),
        told=("Job title: <del>–</del>", "<strong>One</strong>"),
        kept='value="Two"',
        others={"name": "Bob", "email": "bob@odnowa.example", "language": "", "admin": "1"},
    ),
    Kind(
        "person at a client",
        PARTNER,
        **same_address(
            "/partner/clients/{client}/contacts/{dave}/edit", {"name": "One"}, {"name": "Two"}
        ),
        told=("<del>Dave</del>", "<strong>One</strong>"),
        kept='value="Two"',
        others=PERSON,
    ),
    Kind(
        "colleague",
        COMPANY,
        **same_address("/account/company/contacts/{dave}", {"name": "One"}, {"name": "Two"}),
        told=("<del>Dave</del>", "<strong>One</strong>"),
        kept='value="Two"',
        others=PERSON | {"job_title": ""},
    ),
    Kind(
        "contact roles",
        COMPANY,
        **same_address("/account/company", {"billing": "{dana}"}, {"billing": ""}),
        told=("<del>Dave</del>", "<strong>Dana</strong>"),
        kept='<select class="form-select" id="billing" name="billing"><option selected value="">',
        others={"primary": "{dana}", "decision_maker": "{dana}"},
    ),
    Kind(
        "mail",
        PARTNER,
        first=(DELIVERIES + "/{delivery}/arrived", {}),
        second=(DELIVERIES + "/{delivery}/again", {}),
        told=("Mail noted as arrived: Dana",),
        kept="The list shows how it stands now.",
        page=DELIVERIES,
        final=True,
    ),
]
ALL = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture
def ids(app: Flask, cast: Cast, time_machine: Any) -> dict[str, int]:
    """Gather the values for addresses and fields. Bob and Dave are admins, too, and a mail waits for a decision."""
    now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    with unit_of_work(app):
        for user_id in (cast.bob, cast.dave):
            db.session.get_one(User, user_id).admin = True
        mail = Delivery(
            kind=MailKind.REMINDER_CLIENT,
            partner_id=cast.partner,
            client_id=cast.client,
            day=date(2027, 3, 1),
            recipient_id=cast.dana,
            email="dana@acme.example",
            language="en",
            snapshot={},
            state=DeliveryState.UNCLEAR,
            queued_at=now,
            send_after=now,
            send_before=now - timedelta(hours=1),
            ended_at=now,
        )
        db.session.add(mail)
        db.session.flush()
        names = ("client", "subscription", "alice", "bob", "dana", "dave")
        return {name: getattr(cast, name) for name in names} | {"delivery": mail.id}


@pytest.fixture
def opened(browse: Any, ids: dict[str, int]) -> Any:
    """Opens one of a kind's two forms, and gives what sends it."""

    def open_form(kind: Kind, who: str, which: tuple[str, Fields]) -> Any:
        person, (address, fields) = browse(ids[who]), which
        address = address.format(**ids)
        page = kind.page or address
        known = shown_in(person.get(page).text, page)
        # A mail's other buttons stand there only while they make sense; all show the same.
        token = known.get(address) or next(iter(known.values()))
        data = {
            name: value.format(**ids) if isinstance(value, str) else value
            for name, value in (kind.others | fields).items()
        }

        def send(shown: str | None = None) -> Any:
            return person.post(address, data=data | {"shown": token if shown is None else shown})

        return send

    return open_form


@ALL
def test_the_second_sees_what_the_first_changed_and_decides(kind: Kind, opened: Any) -> None:
    first, second = kind.people
    send, send_late = opened(kind, first, kind.first), opened(kind, second, kind.second)
    assert send().status_code == 303
    answer = send_late()
    assert answer.status_code == 409
    for text in (
        "Somebody else has changed this meanwhile. Nothing of yours was saved.",
        f"Changed by: {'Bob' if first == 'bob' else 'Dave' if kind.name != 'colleague' else 'One'}",
        *kind.told,
        kind.kept,
    ):
        assert text in answer.text
    if not kind.final:
        address = answer.request.path
        assert send_late(shown_in(answer.text, address)[address]).status_code == 303


@ALL
def test_of_two_tabs_the_second_says_that_it_was_oneself(kind: Kind, opened: Any) -> None:
    who = kind.people[1]
    send, send_late = opened(kind, who, kind.first), opened(kind, who, kind.second)
    send()
    answer = send_late()
    assert answer.status_code == 409
    assert "Changed by you: 1 Mar 2027" in answer.text
    assert "Somebody else" not in answer.text


@ALL
def test_the_same_wish_is_a_success(kind: Kind, opened: Any) -> None:
    first, second = kind.people
    sends = [opened(kind, who, kind.first) for who in (first, second, second)]
    assert [send().status_code for send in sends] == [303, 303, 303]


@ALL
@pytest.mark.parametrize("shown", ["", "made-up"])
def test_a_form_that_showed_nothing_saves_nothing(kind: Kind, opened: Any, shown: str) -> None:
    answer = opened(kind, kind.people[0], kind.first)(shown)
    assert answer.status_code == 409
    assert "This has changed meanwhile. Nothing of yours was saved." in answer.text


# All that a browser sends of an untouched form.
CLIENT = {"name": "Acme", "language": "en", "time_zone": "Europe/Warsaw"} | dict.fromkeys(
    ("domain", "external_id", "city", "country", "phone", "note"), ""
)
LEFT = [
    (
        "/partner/clients/{client}/edit",
        CLIENT,
        {"city": "Curitiba", "note": "One\r\nTwo"},
        {"phone": "+48 22 555 00 00"},
        ('value="Curitiba"', "One\nTwo</textarea>", 'value="+48 22 555 00 00"'),
    ),
    (
        "/partner/subscriptions/{subscription}/edit",
        {"product": "Marketing Hub", "term_months": "12", "renewal_date": "2027-03-31"}
        | {"renews_itself": "0", "deadline": "", "amount": "", "currency": ""},
        {"renews_itself": "1", "amount": "1200.00", "currency": "PLN", "deadline": "2027-03-10"},
        {"product": "Hub Two"},
        ('value="Hub Two"', 'value="1200.00"', '<option selected value="PLN">', "10 March 2027"),
    ),
    (
        "/partner/clients/{client}/contacts/{dave}/edit",
        PERSON | {"name": "Dave", "phone": "", "note": ""},
        {"phone": "+48 22 555 00 00", "language": "pl"},
        {"name": "Two"},
        ('value="Two"', 'value="+48 22 555 00 00"', '<option selected value="pl">'),
    ),
    (
        f"{TEXTS}/company",
        {"legal": "", "privacy_url": "", "reply_to": ""},
        {"privacy_url": "https://odnowa.example/privacy"},
        {"legal": "Two"},
        ("Two</textarea>", 'value="https://odnowa.example/privacy"'),
    ),
]


@pytest.mark.parametrize(("address", "stored", "first", "second", "both"), LEFT)
def test_what_the_second_left_as_it_was_follows_the_first(
    browse: Any,
    ids: dict[str, int],
    address: str,
    stored: Fields,
    first: Fields,
    second: Fields,
    both: tuple[str, ...],
) -> None:
    alice, bob, address = browse(ids["alice"]), browse(ids["bob"]), address.format(**ids)
    page = TEXTS if address.startswith(TEXTS) else address
    stored = stored | {"shown": shown_in(alice.get(page).text, page)[address]}
    assert bob.post(address, data=stored | first).status_code == 303
    answer = alice.post(address, data=stored | second)
    assert answer.status_code == 409
    for text in both:
        assert text in answer.text


def test_what_both_changed_stays_as_it_was_typed(browse: Any, ids: dict[str, int]) -> None:
    alice, bob = browse(ids["alice"]), browse(ids["bob"])
    address = "/partner/clients/{client}/edit".format(**ids)
    # Browsers end lines otherwise than they are stored.
    data = CLIENT | {"note": "Some\r\nlines", "shown": shown_to(bob, address)}
    bob.post(address, data=data)
    data["shown"] = shown_to(alice, address)
    bob.post(address, data=data | {"city": "Curitiba", "note": "One"})
    answer = alice.post(address, data=data | {"city": "Recife"})
    text = answer.text
    assert answer.status_code == 409
    assert 'value="Recife"' in text
    assert "<strong>Curitiba</strong>" in text
    assert "One</textarea>" in text


def test_a_profile_in_two_tabs(browse: Any, cast: Cast) -> None:
    bob, address = browse(cast.bob), "/settings/profile"
    data = {"name": "One", "email": "bob@odnowa.example", "language": "", "time_zone": ""}
    data["shown"] = shown_to(bob, address)
    assert bob.post(address, data=data).status_code == 303
    answer = bob.post(address, data=data | {"name": "Two"})
    assert answer.status_code == 409
    assert "perhaps in another window" in answer.text
    assert 'value="Two"' in answer.text


def test_the_change_is_found_behind_newer_ones_of_other_fields(browse: Any, cast: Cast) -> None:
    alice, bob, address = browse(cast.alice), browse(cast.bob), f"/settings/team/{cast.bob}"
    late = {"name": "Bob", "email": "bob@odnowa.example", "language": ""}
    late["time_zone"] = "Europe/Lisbon"
    late["shown"] = shown_to(bob, "/settings/profile")
    data = {"name": "Robert", "email": "bob@odnowa.example", "language": ""}
    for job in ("", "Boss"):
        shown = shown_to(alice, address)
        assert alice.post(address, data=data | {"job_title": job, "shown": shown}).location
    answer = bob.post("/settings/profile", data=late)
    assert answer.status_code == 409
    assert "Changed by: Alice" in answer.text
    assert "<strong>Robert</strong>" in answer.text


@pytest.mark.parametrize("language", ["pl", "pt"])
def test_it_is_told_in_the_readers_language(
    browse: Any, cast: Cast, ids: dict[str, int], language: str
) -> None:
    bob, address = browse(cast.bob, language), f"/partner/clients/{cast.client}/edit"
    data = {"name": "One", "language": "en", "shown": shown_to(bob, address)}
    bob.post(address, data=data)
    text = bob.post(address, data=data | {"name": "Two"}).text
    assert {"pl": "w innym oknie", "pt": "em outra janela"}[language] in text
