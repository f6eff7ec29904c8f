"""What the factory makes by itself."""

from sqlalchemy import select

from tests.support.cast import ON_POSTGRESQL
from tests.support.outage import cut
from webapp import factory
from webapp.models import Installation, db


def test_its_own_key_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "secret-key"
    key = factory.own_secret_key(path)
    assert len(key) >= 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert factory.own_secret_key(path) == key
    assert [one.name for one in tmp_path.iterdir()] == ["secret-key"]
    assert factory.own_secret_key(tmp_path / "other") != key


@ON_POSTGRESQL
def test_connections_that_were_cut_meanwhile_are_not_used(app, database_url):
    for _ in range(2):
        with app.app_context():
            assert db.session.scalar(select(Installation.id)) == 1
        cut(database_url)
