"""While the database is of another revision, no page is made of it; portal init heals a running process."""

import pytest
from sqlalchemy import text

from webapp.cli.migrating import downgrade, upgrade
from webapp.models import db


@pytest.fixture
def older(app):
    """The database as the migration before the last one leaves it."""
    with app.app_context():
        downgrade()
        db.session.remove()


def bring_up(app):
    with app.app_context():
        upgrade()
        db.session.remove()


@pytest.mark.parametrize(
    "address", ["/", "/sign-in", "/sign-in?lang=pl", "/partner/dashboard", "/nope"]
)
def test_no_page_is_made_of_another_revision(app, older, browse, address):
    answer = browse().get(address, headers={"Accept-Language": "pl"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "Portal jest właśnie aktualizowany" in answer.text


def test_nor_is_anything_written(app, cast, browse):
    bob = browse(cast.bob)
    with app.app_context():
        downgrade()
        db.session.remove()
    assert bob.post("/language", data={"language": "pl"}).status_code == 503
    bring_up(app)
    with app.app_context():
        assert (
            db.session.execute(
                text('SELECT count(*) FROM "user" WHERE language IS NOT NULL')
            ).scalar()
            == 0
        )
        db.session.remove()


def test_a_running_process_is_healed(app, older, browse):
    eve = browse()
    assert eve.get("/sign-in").status_code == 503
    bring_up(app)
    assert eve.get("/sign-in").status_code == 200


def test_readyz_tells_and_healthz_and_files_are_there(app, older, browse):
    eve = browse()
    assert (eve.get("/readyz").status_code, eve.get("/readyz").json) == (503, {"ready": False})
    assert eve.get("/healthz").status_code == 200
    with eve.get(f"/static/{app.extensions['statics']['portal.css']}") as styles:
        assert styles.status_code == 200
    bring_up(app)
    assert eve.get("/readyz").json["ready"] is True


def test_who_asks_readyz_stops_a_process_whose_database_has_moved_on(app, browse):
    eve = browse()
    assert eve.get("/sign-in").status_code == 200
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.session.commit()
        db.session.remove()
    assert eve.get("/readyz").status_code == 503
    assert eve.get("/sign-in").status_code == 503


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_asks_once(app, browse, statements):
    with statements() as log:
        browse().get("/sign-in")
    assert not [one for one in log if "alembic_version" in one]
