"""What holds up all mail is told on every page of a partner; and mails that reach nobody are not called sent."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.support.cast import unit_of_work
from tests.support.forms import opened
from tests.support.portal import run_at
from webapp.models import Installation, Partner, Subscription, db
from webapp.services.reminders import due_index

OF_PARTNER = [
    "/partner/dashboard",
    "/partner/clients/{client}/renewals",
    "/partner/deliveries",
    "/settings/profile",
    "/settings/partners",
    "/help/renewal-owners",
]
ADVICE = "Tell whoever runs the portal."
HELD = "Sending has been on hold since"
NO_SERVER = "No mail server is set up: mails are kept in this installation, and nobody gets them."
AWAY = "The mail server has been unreachable since"
SILENT = "The worker that sends mails has not been seen since"
NEVER = "The worker that sends mails has not run yet"
EACH = [HELD, NO_SERVER, AWAY, SILENT, NEVER]


@pytest.fixture
def stands(app):
    """Set the installation's moments, by how many minutes ago they were. By default a worker lives."""

    def set_state(**minutes):
        values = {
            name: None if ago is None else datetime.now(UTC) - timedelta(minutes=ago)
            for name, ago in {"worker_seen_at": 0, **minutes}.items()
        }
        with unit_of_work(app):
            db.session.execute(update(Installation).values(**values))

    return set_state


def told(page):
    return [text for text in EACH if text in page]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, []),
        ({"held_at": 60}, [HELD]),
        ({"away_since": 60}, [AWAY]),
        ({"worker_seen_at": None}, [NEVER]),
        ({"worker_seen_at": 9}, []),
        ({"worker_seen_at": 11}, [SILENT]),
        ({"held_at": 60, "away_since": 60, "worker_seen_at": 60}, [HELD, AWAY, SILENT]),
    ],
    ids=str,
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_is_told_and_admins_what_to_do(browse, cast, stands, state, said):
    stands(**state)
    for reader, advised in ((cast.alice, bool(said)), (cast.bob, False)):
        page = browse(reader).get("/partner/dashboard").text
        assert told(page) == said
        assert (ADVICE in page) == advised


def test_every_page_of_a_partner_tells_and_no_clients(browse, cast, stands):
    stands(held_at=1)
    alice, dana = browse(cast.alice), browse(cast.dana)
    for address in OF_PARTNER:
        page = alice.get(address.format(client=cast.client)).text
        assert told(page) == [HELD]
        assert '<div class="toolbar-note" role="status">' in page
    for address in ("/account/company", "/settings/profile"):
        assert told(dana.get(address).text) == []
    assert told(browse().get("/sign-in").text) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("pl", ["Wysyłanie jest wstrzymane od", "Nie skonfigurowano serwera pocztowego: "]),
        ("pt", ["O envio está suspenso desde", "Nenhum servidor de e-mail está configurado: "]),
    ],
)
@pytest.mark.settings(mail_url="inbox:")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_in_the_readers_language(browse, cast, stands, language, words):
    stands(held_at=1)
    page = browse(cast.alice, language).get("/partner/dashboard").text
    assert [text for text in words if text in page] == words


@pytest.mark.settings(demo=True)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_demo_needs_neither_server_nor_worker(browse, cast, stands):
    stands(worker_seen_at=None)
    assert told(browse(cast.alice).get("/partner/dashboard").text) == []


@pytest.mark.settings(mail_url="inbox:")
class TestWithoutAMailServer:
    """Outside the demo, with inbox:."""

    def test_it_is_told_instead_of_who_could_turn_sending_on(self, browse, cast, stands):
        stands()
        for address in OF_PARTNER:
            page = browse(cast.alice).get(address.format(client=cast.client)).text
            assert told(page) == [NO_SERVER]
            assert "Turn sending on in the settings" not in page

    def test_a_waiting_mail_says_why(self, app, browse, cast, stands):
        moment = datetime(2027, 3, 1, 10, tzinfo=UTC)
        with unit_of_work(app):
            db.session.execute(update(Partner).values(sending=True))
            due_index.refresh_where(Subscription.id.is_not(None))
        run_at(app, moment)
        with time_machine.travel(moment, tick=False):
            alice = browse(cast.alice)
            for address in ("/partner/deliveries", f"/partner/clients/{cast.client}/renewals"):
                page = opened(alice, address)
                assert page.count("held back: no mail server is set up") == 3
                assert "goes out from" not in page

    def test_a_mail_that_is_asked_for_says_where_it_stays(self, browse, cast):
        kept = "Kept in this installation, sent to nobody: no mail server is set up."
        alice = browse(cast.alice)
        test = {"kind": "reminder_client", "language": "en"}
        for headers in ({}, {"HX-Request": "true"}):
            answer = alice.post(
                "/settings/partners/test", data=test, headers=headers, follow_redirects=True
            )
            assert kept in answer.text
            assert "on its way" not in answer.text
        address = f"/partner/clients/{cast.client}/contacts/{cast.dave}/invite"
        assert kept in alice.post(address, follow_redirects=True).text

    def test_nobody_waits_for_a_link_to_set_a_password(self, browse):
        for query in ("", "?sent=1"):
            page = browse().get(f"/forgotten-password{query}").text
            assert "no link can reach you" in page
            assert "on its way" not in page
