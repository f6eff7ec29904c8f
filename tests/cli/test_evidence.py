"""portal evidence: a client's renewals as an archive that only its owner may read."""

import stat
import zlib
from zipfile import ZipFile

import pytest
from sqlalchemy import text

from tests.support.cast import make_client, unit_of_work
from tests.support.erasing import live
from webapp.models import Partner, Subscription, db
from webapp.services.clients import renewals


@pytest.fixture
def run(app, cast, tmp_path, monkeypatch):
    """Run the command in a folder of its own; gives its result."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app.test_cli_runner().invoke(args=("evidence", *arguments))


def test_each_renewal_has_its_folder(app, cast, run, tmp_path):
    live(app, cast)
    with unit_of_work(app):
        renewals.renew(None, db.session.get_one(Subscription, cast.subscription))
    result = run("acme", "--out", "proof.zip")
    assert (result.exit_code, result.output) == (0, "2 renewals of Acme in proof.zip.\n")
    with ZipFile(tmp_path / "proof.zip") as archive:
        assert archive.testzip() is None
        folders = {name.partition("/")[0] for name in archive.namelist() if "/" in name}
        assert len([name for name in archive.namelist() if name.endswith(".eml")]) == 3
    assert folders == {f"renewal-{cast.subscription}-{cycle}" for cycle in (1, 2)}
    assert stat.S_IMODE((tmp_path / "proof.zip").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "text"),
    [((), "Evidence of a renewal"), (("--language", "pt"), "Evidências da renovação")],
)
def test_in_the_partners_language_or_another(app, cast, run, tmp_path, options, text):
    live(app, cast)
    assert run(str(cast.client), *options).exit_code == 0
    with ZipFile(tmp_path / f"evidence-{cast.client}.zip") as archive:
        assert text in archive.read(f"renewal-{cast.subscription}-1/evidence.html").decode()


def test_without_renewals_it_is_empty(app, cast, run, tmp_path):
    with unit_of_work(app):
        db.session.delete(db.session.get_one(Subscription, cast.other_subscription))
    assert run("Foreign", "--out", "none.zip").output == "0 renewals of Foreign in none.zip.\n"
    with ZipFile(tmp_path / "none.zip") as archive:
        assert archive.namelist() == ["style.css", "SHA256SUMS"]


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "kept.zip").write_text("mine")
    result = run("acme", "--out", "kept.zip")
    assert (result.exit_code, result.output) == (1, "Error: kept.zip: File exists\n")
    assert (tmp_path / "kept.zip").read_text() == "mine"


def test_no_half_archive_is_left(app, cast, run, tmp_path):
    """The bytes of a mail are damaged in the database, which shows once the archive has been begun."""
    live(app, cast)
    with unit_of_work(app):
        db.session.execute(text("UPDATE delivery_message SET content = :bytes"), {"bytes": b"torn"})
    result = run("acme")
    assert isinstance(result.exception, zlib.error)
    assert list(tmp_path.iterdir()) == []


def test_of_several_one_is_chosen(app, cast, run):
    with unit_of_work(app):
        twin = make_client(db.session.get_one(Partner, cast.other_partner), "Acme")
        db.session.add(twin)
        db.session.flush()
        known = f"{cast.client} (odnowa), {twin.id} (renova)"
    result = run("Acme")
    assert result.exit_code == 1
    assert result.output == f"Error: Several have this name. Choose one by its id: {known}.\n"
    assert run("Acme", "--partner", "odnowa").exit_code == 0


@pytest.mark.parametrize("named", ["Nobody", "999999", "9" * 30, ""])
def test_no_such_client(run, named):
    result = run(named)
    assert (result.exit_code, result.output) == (1, f"Error: There is no client {named!r}.\n")
