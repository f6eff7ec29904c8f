"""The page of a renewal's evidence: who may see it, what it says, and its archive."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import update

from tests.support.below import everywhere
from tests.support.cast import unit_of_work
from tests.support.erasing import live
from webapp.models import Delivery, DeliveryMessage, DeliveryState, Subscription, db
from webapp.services.clients import renewals
from webapp.services.sending import log as delivery_log


@pytest.fixture
def page(cast):
    return f"/partner/clients/{cast.client}/evidence/{cast.subscription}/1"


@pytest.mark.parametrize("path", ["", "/zip"])
def test_who_may(browse, cast, page, path):
    assert browse(cast.alice).get(page + path).status_code == 200
    assert browse(cast.bob).get(page + path).status_code == 200
    assert browse(cast.dana).get(page + path).status_code == 403
    assert browse(cast.charlie).get(page + path).status_code == 404
    assert browse().get(page + path).location.startswith("/sign-in")


@pytest.mark.parametrize("path", ["", "/zip"])
def test_no_such_renewal(browse, cast, page, path):
    bob, clients = browse(cast.bob), f"/partner/clients/{cast.client}/evidence"
    for other in (f"{cast.subscription}/2", f"{cast.other_subscription}/1", f"{'9' * 18}/1"):
        assert bob.get(f"{clients}/{other}{path}").status_code == 404
    assert bob.get(f"{clients}/{cast.subscription}/{'9' * 18}{path}").status_code == 404


def test_the_renewals_tab_leads_to_it(app, browse, cast, page):
    tab = f"/partner/clients/{cast.client}/renewals"
    assert "/evidence/" not in browse(cast.bob).get(tab).text
    live(app, cast)
    assert f'href="{page}"' in browse(cast.bob).get(tab).text


def test_of_a_term_without_reminders(app, browse, cast, page):
    with unit_of_work(app):
        renewals.renew(None, db.session.get_one(Subscription, cast.subscription))
    bob, nothing = browse(cast.bob), "No reminder about this renewal fell due."
    tab = bob.get(f"/partner/clients/{cast.client}/renewals").text
    assert f'href="{page}"' in tab
    assert nothing in tab
    over = bob.get(page).text
    for text in (nothing, "31 March 2027", "Subscription renewed: Marketing Hub"):
        assert text in over
    assert bob.get(f"{page}/zip").status_code == 200
    assert nothing not in bob.get(page[:-1] + "2").text


def test_it_says_who_was_told_what(app, browse, cast, page):
    live(app, cast)
    with unit_of_work(app):
        stored = db.session.query(DeliveryMessage).order_by(DeliveryMessage.delivery_id).all()
        mail = db.session.get_one(Delivery, stored[0].delivery_id)
        delivery_log.add([mail.id], DeliveryState.UNCLEAR, mail.queued_at)
        mail_id = mail.id
        told = [mail.message_id.strip("<>"), *(one.sha256 for one in stored[:3])]
    shown = browse(cast.bob).get(page).text
    for text in (
        "Evidence of a renewal",
        "Marketing Hub",
        "31 March 2027",
        "HubSpot (Default)",
        "Partner (Own setting), since 1 Mar 2027",
        "Dana",
        "dave@acme.example",
        "Primary contact, Decision maker",
        "What was not sure",
        "Renewal owner changed",
        *told,
    ):
        assert text in shown
    assert f"{page}/zip" in shown
    assert f'href="/partner/deliveries/{mail_id}"' in shown


@everywhere
def test_its_archive(app, browse, cast, page):
    live(app, cast)
    answer = browse(cast.bob, "pl").get(f"{page}/zip")
    assert answer.headers["Content-Type"] == "application/zip"
    name = f"evidence-{cast.subscription}-1.zip"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    with ZipFile(BytesIO(answer.data)) as archive:
        text = archive.read(f"renewal-{cast.subscription}-1/evidence.html").decode()
        assert len([one for one in archive.namelist() if one.endswith(".eml")]) == 3
    assert '<html lang="pl">' in text
    assert "Dowody powiadomień" in text


def test_without_bytes_and_without_mails(app, browse, cast, page):
    assert "No mail about this renewal has gone out yet." in browse(cast.bob).get(page).text
    live(app, cast)
    with unit_of_work(app):
        db.session.execute(update(DeliveryMessage).values(content=None))
    assert browse(cast.bob).get(page).text.count("The mail itself is no longer kept.") == 3
    with ZipFile(BytesIO(browse(cast.bob).get(f"{page}/zip").data)) as archive:
        assert [one for one in archive.namelist() if one.endswith(".eml")] == []


def test_an_archive_that_nobody_reads_holds_nothing(app, browse, cast, page):
    live(app, cast)
    unread = [browse(cast.bob).get(f"{page}/zip") for _ in range(3)]
    half = browse(cast.bob).get(f"{page}/zip")
    read = iter(half.response)
    assert b"".join(next(read) for _ in range(3)).startswith(b"PK")
    half.close()
    for answer in unread:
        answer.close()
    assert browse(cast.bob).get(page).status_code == 200
