"""The calendars of a partner's people: their text, what is in them, and to whom they open.

docs/embedding.md tells of them under "A calendar".
"""

import gzip
import logging
import re
from datetime import date

import pytest
from icalendar import Calendar
from sqlalchemy import select

from tests.support.cast import make_client, make_subscription, unit_of_work
from webapp.domain.ownership import Choice
from webapp.models import AccessToken, Client, Opens, Partner, Subscription, User, db
from webapp.services.accounts import access_tokens, membership, people
from webapp.services.clients import archiving, ownership, renewals
from webapp.services.lists import calendar
from webapp.services.reminders import due_index

NOW = "2027-03-01 12:00:00+00:00"


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def calendar_of(app, cast):
    """Makes a token of somebody, and returns the address of the calendar that it opens."""

    def make(user_id, opens=Opens.CALENDAR_ALL, client_id=None):
        with unit_of_work(app):
            user = db.session.get(User, user_id)
            client = db.session.get(Client, client_id) if client_id else None
            token = access_tokens.make(user, "Phone", 90, opens, client)
        return f"/calendar/{token}.ics"

    return make


@pytest.fixture
def add(app, cast):
    """Adds a client with one subscription to Alice's partner, and returns the client's id."""

    def add_client(name, renewal=date(2027, 4, 20), product="Hub", client=None, **values):
        with unit_of_work(app):
            partner = db.session.get(Partner, cast.partner)
            added = make_client(partner, name, **(client or {}))
            subscription = make_subscription(added, product, renewal, **values)
            db.session.add_all([added, subscription])
            db.session.flush()
            due_index.refresh([subscription])
            return added.id

    return add_client


@pytest.fixture
def eve(browse, cast):
    return browse()


def sending(app, cast, on=True):
    with unit_of_work(app):
        db.session.get(Partner, cast.partner).sending = on


def events(answer):
    return Calendar.from_ical(answer.data).events


def titles(answer):
    return [str(event["SUMMARY"]) for event in events(answer)]


def check_rules(data):
    """Check a calendar by the rules of RFC 5545, line by line: 3.1, 3.4, 3.6, 3.6.1, 3.8.2.2, 3.8.4.7."""
    assert data.endswith(b"\r\n")
    lines = data.split(b"\r\n")[:-1]
    assert not any(b"\n" in line or b"\r" in line or len(line) > 75 for line in lines)
    for line in lines:
        line.decode()  # No character is torn apart, which a fold may not do here.
    whole = data.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]
    assert all(re.match(r"[A-Z-]+(;[A-Z-]+=[^:]+)*:", line) for line in whole)
    assert (whole[0], whole[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    head = whole[: whole.index("BEGIN:VEVENT")] if "BEGIN:VEVENT" in whole else whole
    assert [line for line in head if line.startswith(("VERSION", "PRODID"))].count(
        "VERSION:2.0"
    ) == 1
    assert sum(line.startswith("PRODID:") for line in head) == 1
    blocks = "\n".join(whole).split("BEGIN:VEVENT")[1:]
    uids = []
    for block in blocks:
        fields = block.partition("END:VEVENT")[0].strip().split("\n")
        names = [re.split("[;:]", field, maxsplit=1)[0] for field in fields]
        assert len(names) == len(set(names))
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "URL"} <= {*names}
        found = dict(zip(names, fields, strict=True))
        assert re.fullmatch(r"DTSTAMP:\d{8}T\d{6}Z", found["DTSTAMP"])
        assert re.fullmatch(r"DTSTART;VALUE=DATE:\d{8}", found["DTSTART"])
        assert found["TRANSP"] == "TRANSP:TRANSPARENT"
        uids.append(found["UID"])
    assert len(uids) == len(set(uids))
    assert "BEGIN:VALARM" not in whole


def test_calendar_has_deadlines_renewals_and_mails(app, cast, add, eve, calendar_of):
    sending(app, cast)
    add("Zeta", deadline=date(2027, 4, 5))
    answer = eve.get(calendar_of(cast.alice))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    check_rules(answer.data)
    assert [(str(one["SUMMARY"]), one.start) for one in events(answer)] == [
        ("Reminder: Acme, Marketing Hub", date(2027, 3, 1)),
        ("Reminder: Zeta, Hub", date(2027, 3, 1)),
        ("Renewal date: Acme, Marketing Hub", date(2027, 3, 31)),
        ("Decision deadline: Zeta, Hub", date(2027, 4, 5)),
        ("Renewal date: Zeta, Hub", date(2027, 4, 20)),
    ]
    with app.app_context():
        # Nobody has changed this client since it was made.
        made = f"{db.session.get(Client, cast.client).created_at:%Y%m%dT%H%M%SZ}"
    page = f"{app.config['PORTAL'].base_url}/partner/clients/{cast.client}/renewals"
    assert whole_entry(answer, "renewal-1-") == [
        "SUMMARY:Renewal date: Acme\\, Marketing Hub",
        "DTSTART;VALUE=DATE:20270331",
        "DTEND;VALUE=DATE:20270401",
        f"DTSTAMP:{made}",
        "UID:renewal-1-1@portal.test",
        "SEQUENCE:1",
        (
            "DESCRIPTION:Must be decided\\nRenewal date: 31 March 2027\\nRenewal owner: HubSpot\\n"
            "Point of contact: Alice\\nNext step: Reminder to the client\\, 1 March 2027 (30 days before)\\n"
            f"{page}"
        ),
        f"LAST-MODIFIED:{made}",
        "TRANSP:TRANSPARENT",
        f"URL:{page}",
    ]


def whole_entry(answer, uid):
    """The lines of the entry whose UID begins so."""
    text = answer.data.decode().replace("\r\n ", "")
    entries = [part.partition("\r\nEND:")[0] for part in text.split("BEGIN:VEVENT\r\n")[1:]]
    [entry] = [entry for entry in entries if f"UID:{uid}" in entry]
    return entry.split("\r\n")


@pytest.mark.parametrize(
    ("language", "name", "title", "owner"),
    [
        ("pl", "Portal odnowień: wszyscy klienci", "Data odnowienia", "Właściciel odnowienia"),
        ("pt", "Portal de renovações: todos os clientes", "Data de renovação", "Proprietário da"),
    ],
)
def test_calendar_speaks_its_readers_language(
    app, cast, eve, calendar_of, language, name, title, owner
):
    with unit_of_work(app):
        people.set_language(db.session.get(User, cast.bob), language)
    address = calendar_of(cast.bob)
    file = Calendar.from_ical(eve.get(address, headers={"Accept-Language": "en"}).data)
    assert str(file["NAME"]) == str(file["X-WR-CALNAME"]) == name
    assert str(file.events[0]["SUMMARY"]) == f"{title}: Acme, Marketing Hub"
    assert owner in str(file.events[0]["DESCRIPTION"])


def test_any_name_comes_through_as_it_is(cast, add, eve, calendar_of):
    name = "Żółw; „Zażółć”, \\n & <b>Söhne</b>: " + "Łódź 🐢 " * 8
    add(name.strip(), product="Hub;VALUE=X:\\, „é”")
    answer = eve.get(calendar_of(cast.alice))
    check_rules(answer.data)
    assert f"Renewal date: {name.strip()}, Hub;VALUE=X:\\, „é”" in titles(answer)
    # Read and written again it is the same.
    assert Calendar.from_ical(answer.data).to_ical() == answer.data


@pytest.mark.parametrize("itself", [True, False])
def test_end_of_a_term_is_told(cast, add, eve, calendar_of, itself):
    add("Zeta", renews_itself=itself)
    words = "Renews by itself" if itself else "Renewal date"
    assert f"{words}: Zeta, Hub" in titles(eve.get(calendar_of(cast.alice)))


def test_while_sending_is_off_no_mail_is_foreseen(cast, eve, calendar_of):
    answer = eve.get(calendar_of(cast.alice))
    assert titles(answer) == ["Renewal date: Acme, Marketing Hub"]
    assert "Next step: no reminder is to come" in whole_entry(answer, "renewal-1-")[6]


def test_past_its_date_it_says_what_to_do(cast, eve, calendar_of, time_machine):
    time_machine.move_to("2027-04-10 12:00:00+00:00", tick=False)
    answer = eve.get(calendar_of(cast.alice))
    assert (
        "Next step: mark the subscription as renewed or not renewed"
        in (whole_entry(answer, "renewal-1-")[6])
    )
    # Some time later it is too old for a calendar.
    time_machine.move_to("2027-05-10 12:00:00+00:00", tick=False)
    assert titles(eve.get(calendar_of(cast.alice))) == []


def test_renewal_stays_after_its_deadline_is_long_past(cast, add, eve, calendar_of):
    add("Zeta", date(2027, 4, 20), deadline=date(2027, 1, 5), renews_itself=True)
    assert "Renews by itself: Zeta, Hub" in titles(eve.get(calendar_of(cast.alice)))


# --- Whose ----------------------------------------------------------------------------------------------------------


def of_clients(answer):
    return {title.partition(": ")[2].partition(",")[0] for title in titles(answer)}


def test_own_calendar_has_whom_one_is_responsible_for(app, cast, add, eve, calendar_of):
    zeta = add("Zeta")
    mine = {
        name: calendar_of(getattr(cast, name), Opens.CALENDAR_MINE) for name in ("alice", "bob")
    }
    assert of_clients(eve.get(mine["alice"])) == {"Acme", "Zeta"}
    assert of_clients(eve.get(mine["bob"])) == set()
    with unit_of_work(app):
        client = db.session.get(Client, zeta)
        ownership.choose_owner(db.session.get(User, cast.alice), client, Choice.PARTNER, cast.bob)
    assert of_clients(eve.get(mine["alice"])) == {"Acme"}
    assert of_clients(eve.get(mine["bob"])) == {"Zeta"}
    # Somebody else's address was rejected, and nobody is the default: admins are told of those clients.
    with unit_of_work(app):
        db.session.get(User, cast.bob).rejected_reply = "550"
        db.session.get(Partner, cast.partner).notified_user_id = None
    assert of_clients(eve.get(mine["alice"])) == {"Acme", "Zeta"}


def test_calendar_of_a_client_has_that_one_alone(app, cast, add, eve, calendar_of):
    zeta = add("Zeta")
    answer = eve.get(calendar_of(cast.bob, Opens.CALENDAR_CLIENT, zeta))
    assert of_clients(answer) == {"Zeta"}
    assert str(Calendar.from_ical(answer.data)["NAME"]) == "Renewal Portal: Zeta"


@pytest.mark.parametrize("opens", [Opens.CALENDAR_ALL, Opens.CALENDAR_MINE])
def test_no_calendar_has_what_is_another_partners(cast, eve, calendar_of, opens):
    assert of_clients(eve.get(calendar_of(cast.charlie, opens))) == {"Foreign"}
    assert of_clients(eve.get(calendar_of(cast.alice, opens))) == {"Acme"}


# --- What ends vanishes ---------------------------------------------------------------------------------------------


def uids(answer):
    return {str(event["UID"]).partition("@")[0] for event in events(answer)}


def test_cancelled_renewal_vanishes(app, cast, eve, calendar_of):
    address = calendar_of(cast.alice)
    assert uids(eve.get(address)) == {"renewal-1-1"}
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        renewals.cancel(db.session.get(User, cast.alice), subscription)
    assert uids(eve.get(address)) == set()


def test_renewed_one_is_the_next(app, cast, eve, calendar_of):
    address = calendar_of(cast.alice)
    with unit_of_work(app):
        subscription = db.session.get(Subscription, cast.subscription)
        renewals.renew(db.session.get(User, cast.alice), subscription)
    assert uids(eve.get(address)) == {"renewal-1-2"}


@pytest.mark.parametrize("opens", [Opens.CALENDAR_ALL, Opens.CALENDAR_CLIENT])
def test_archived_client_vanishes_and_comes_back(app, cast, eve, calendar_of, opens):
    address = calendar_of(
        cast.alice, opens, cast.client if opens is Opens.CALENDAR_CLIENT else None
    )
    for change, left in (
        (archiving.archive, set()),
        (archiving.bring_back, {"renewal-1-1"}),
    ):
        with unit_of_work(app):
            change(db.session.get(User, cast.alice), db.session.get(Client, cast.client))
        assert uids(eve.get(address)) == left


def test_mail_that_went_out_makes_room_for_the_next(app, cast, eve, calendar_of, time_machine):
    sending(app, cast)
    address = calendar_of(cast.alice)
    assert "mail-1-1-30" in uids(eve.get(address))
    time_machine.move_to("2027-03-20 12:00:00+00:00", tick=False)
    assert {uid for uid in uids(eve.get(address)) if uid.startswith("mail")} == {"mail-1-1-14"}


# --- Asked again ----------------------------------------------------------------------------------------------------


def test_unchanged_calendar_is_not_sent_again(app, cast, eve, calendar_of, time_machine):
    address = calendar_of(cast.alice)
    first = eve.get(address)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    time_machine.move_to("2027-03-01 21:00:00+00:00", tick=False)
    again = eve.get(address, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    with unit_of_work(app):
        ownership.choose_owner(
            db.session.get(User, cast.alice),
            db.session.get(Client, cast.client),
            Choice.PARTNER,
            cast.bob,
        )
    changed = eve.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert "LAST-MODIFIED:20270301T210000Z" in whole_entry(changed, "renewal-1-")


def test_calendar_is_packed(cast, add, eve, calendar_of):
    add("Zeta")
    address = calendar_of(cast.alice)
    packed = eve.get(address, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == eve.get(address).data


def test_full_calendar_says_how_far_it_reaches(cast, add, eve, calendar_of, monkeypatch):
    monkeypatch.setattr(calendar, "MOST", 2)
    for day in (10, 11, 12):
        add(f"Company {day}", date(2027, 3, day))
    answer = eve.get(calendar_of(cast.alice))
    assert of_clients(answer) == {"Company 10", "Company 11"}
    assert str(Calendar.from_ical(answer.data)["DESCRIPTION"]) == (
        "This calendar holds the next 2 renewals, up to 11 March 2027."
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("opens", [Opens.CALENDAR_ALL, Opens.CALENDAR_MINE])
def test_statements_do_not_grow_with_clients(cast, add, eve, calendar_of, statements, opens):
    address, counts = calendar_of(cast.alice, opens), []
    for name in ("Zeta", "Beta", "Gamma"):
        add(name)
        with statements() as log:
            eve.get(address)
        counts.append(len(log))
    # The token; the renewals, and the three of the facts; who the reader is, for the own clients.
    assert counts == [6 if opens is Opens.CALENDAR_MINE else 5] * 3


# --- To whom it opens -----------------------------------------------------------------------------------------------


def test_use_is_noted(app, cast, eve, calendar_of):
    eve.get(calendar_of(cast.bob)).close()
    with app.app_context():
        assert db.session.scalars(select(AccessToken.used_at)).one() is not None


def test_calendar_opens_for_its_time_alone(cast, eve, calendar_of, time_machine):
    address = calendar_of(cast.bob)
    time_machine.move_to("2027-05-30 11:59:00+00:00", tick=False)
    assert eve.get(address).status_code == 200
    time_machine.move_to("2027-05-30 12:01:00+00:00", tick=False)
    assert eve.get(address).status_code == 404


def test_revoked_one_opens_nothing(app, cast, eve, calendar_of):
    address = calendar_of(cast.bob)
    with unit_of_work(app):
        bob = db.session.get(User, cast.bob)
        assert access_tokens.revoke(bob, access_tokens.listed(bob)[0].id)
    assert eve.get(address).status_code == 404


def test_one_for_programs_opens_no_calendar(cast, eve, calendar_of):
    assert eve.get(calendar_of(cast.bob, Opens.API)).status_code == 404


def test_one_for_a_calendar_opens_nothing_else(cast, eve, calendar_of):
    token = calendar_of(cast.bob).removeprefix("/calendar/").removesuffix(".ics")
    bearing = {"Authorization": f"Bearer {token}"}
    assert eve.get("/api/renewals", headers=bearing).status_code == 401
    assert eve.get("/partner/dashboard", headers=bearing).location.startswith("/sign-in")
    # Nor does the header open a calendar.
    assert eve.get("/calendar/x.ics", headers=bearing).status_code == 404


def test_whoever_leaves_loses_it(app, cast, eve, calendar_of):
    address = calendar_of(cast.bob)
    with unit_of_work(app):
        membership.deactivate(db.session.get(User, cast.alice), db.session.get(User, cast.bob))
    assert eve.get(address).status_code == 404


def test_wrong_address_tells_nothing(cast, browse, eve, calendar_of):
    right = calendar_of(cast.bob)
    for address in (
        right.replace("rp_", "rp-"),
        right[:-5] + ".ics",
        "/calendar/.ics",
        "/calendar/x.ics",
    ):
        assert eve.get(address).status_code == 404
    # Neither does a session open one.
    assert browse(cast.alice).get("/calendar/x.ics").status_code == 404
    assert eve.post(right).status_code == 405


def test_nobody_asks_without_end(cast, eve, calendar_of):
    address, other = calendar_of(cast.bob), calendar_of(cast.alice)
    answers = [eve.get(address).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]
    assert eve.get(other).status_code == 200


def test_no_log_has_an_address(cast, eve, calendar_of, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("webapp").addHandler(caplog.handler)
    addresses = [calendar_of(cast.bob), "/calendar/rp_made-up-token.ics"]
    for address in addresses:
        eve.get(address)
        eve.post(address)
    logging.getLogger("webapp").removeHandler(caplog.handler)
    assert "GET calendar.show" in caplog.text
    assert "rp_" not in caplog.text
