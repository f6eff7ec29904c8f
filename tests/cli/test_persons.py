"""portal person: what is stored of somebody, as files; and erased, once the name was typed."""

import json

import pytest

from tests.support.cast import make_user, unit_of_work
from webapp.models import Partner, User, db


@pytest.fixture
def run(app):
    """Run a command, with what is typed; gives its result."""
    return lambda *arguments, typed=None: app.test_cli_runner().invoke(
        args=("person", *arguments), input=typed
    )


@pytest.fixture
def twin(app, cast):
    """Somebody with Bob's address at the other partner."""
    with unit_of_work(app):
        renova = db.session.get(Partner, cast.other_partner)
        user = make_user(renova, "Bob Elsewhere", email="bob@odnowa.example")
        db.session.add(user)
        db.session.flush()
        return user.id


def erased(app, user_id):
    with app.app_context():
        return db.session.get_one(User, user_id).erased_at is not None


def test_files_go_into_a_new_folder(run, cast, tmp_path):
    folder = tmp_path / "dave"
    result = run("export", "Dave@acme.example", "--to", str(folder))
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"1 file in {folder}")
    assert json.loads((folder / "person.json").read_text())["person"]["name"] == "Dave"
    again = run("export", "dave@acme.example", "--to", str(folder))
    assert (again.exit_code, again.output) == (1, f"Error: {folder}: File exists\n")


def test_the_name_confirms(run, app, cast):
    result = run("erase", "dave@acme.example", typed="Dan\n")
    assert result.exit_code == 1
    assert "What stays" in result.output
    assert "This is not the person's name." in result.output
    assert not erased(app, cast.dave)
    result = run("erase", "dave@acme.example", typed="Dave\n")
    assert result.exit_code == 0, result.output
    assert f"#{cast.dave} stands in its place." in result.output
    assert erased(app, cast.dave)
    assert run("erase", "dave@acme.example", "--name", "Dave").exit_code == 1


def test_of_several_one_is_chosen(run, app, cast, twin):
    result = run("erase", "bob@odnowa.example", "--name", "Bob")
    assert result.exit_code == 1
    assert f"{cast.partner} (Odnowa), {cast.other_partner} (Renova)" in result.output
    chosen = ("--organisation", str(cast.partner))
    assert run("erase", "bob@odnowa.example", *chosen, "--name", "Bob").exit_code == 0
    assert erased(app, cast.bob)
    assert not erased(app, twin)


def test_the_last_admin_stays(run, app, cast):
    result = run("erase", "dana@acme.example", "--name", "Dana")
    assert result.exit_code == 1
    assert "the only active admin" in result.output
    assert not erased(app, cast.dana)
