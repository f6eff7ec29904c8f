"""The import command: its report, its exit code, and what it leaves behind."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm.exc import StaleDataError

from tests.support.cast import Cast, unit_of_work
from webapp.cli import imports
from webapp.i18n import LANGUAGES
from webapp.models import Client, db
from webapp.services.clients import archiving

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def portal(app: Flask, cast: Cast) -> Any:
    def run(*arguments: str) -> Result:
        return app.test_cli_runner().invoke(args=["import", "--partner", "odnowa", *arguments])

    return run


def clients(app: Flask) -> int | None:
    with app.app_context():
        return db.session.scalar(select(func.count(Client.id)))


def test_a_dry_run_writes_nothing(app: Flask, portal: Any) -> None:
    result = portal(str(DATA / "clients.csv"), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    # The mails depend on the day.
    assert isinstance(report.pop("mails"), list)
    assert report == {
        "created": 4,
        "changed": 0,
        "unchanged": 0,
        "errors": [],
        "archived": [],
        "applied": False,
        "changes": [],
        "unused_columns": [],
    }
    assert clients(app) == 2


def test_apply_twice(app: Flask, portal: Any) -> None:
    for created, unchanged in ((4, 0), (0, 4)):
        report = json.loads(portal(str(DATA / "clients.csv"), "--apply", "--json").stdout)
        assert (report["created"], report["unchanged"]) == (created, unchanged)
        assert report["applied"] is True
        assert clients(app) == 5


def test_errors_write_nothing(app: Flask, portal: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("Company name,Product,Renewal date,Term\nNew,Hub,31/12/2027,P1Y\nOther,,,\n")
    result = portal(str(path), "--apply", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "created": 1,
        "changed": 0,
        "unchanged": 0,
        "changes": [],
        "unused_columns": [],
        "errors": [
            {
                "row": 2,
                "column": "Renewal date",
                "message": (
                    "This is not a date in the form expected, or it is far off: 31/12/2027"
                ),
            }
        ],
        "archived": [],
        "applied": False,
        "mails": [],
    }
    assert clients(app) == 2
    assert portal(str(path), "--apply", "--dates", "pt").exit_code == 0
    assert clients(app) == 4


def test_the_report_for_people(portal: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("Firma;Fax\nŻółw;1\n".encode("cp1250"))
    result = portal(str(path))
    assert result.exit_code == 1
    assert "--encoding" in result.stderr
    result = portal(str(path), "--encoding", "cp1250", "--map", "company=Firma")
    assert result.stdout.splitlines() == [
        "created: 1, changed: 0, unchanged: 0, with errors: 0",
        "Columns not imported: Fax",
        "No mails about these clients within 30 days",
        "Dry run: nothing was written. Add --apply.",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--map", "company"], 2, "our field=their column"),
        (["--map", "homepage=Company name"], 1, "There is no field called homepage"),
        (["--partner", "nobody"], 1, "nobody"),
        (["--dates", "us"], 2, "us"),
    ],
)
def test_wrong_options(portal: Any, arguments: list[str], code: int, message: str) -> None:
    result = portal(str(DATA / "clients.csv"), *arguments)
    assert result.exit_code == code
    assert message in result.output


def test_an_unknown_language_is_answered_with_those_there_are(portal: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Company name,Preferred language\nNew,Klingon\n")
    result = portal(str(path))
    known = ", ".join(sorted(LANGUAGES))
    assert f"There is no language called Klingon. There are: {known}." in result.stderr


def test_the_report_for_people_says_what_changes_and_is_cut_short(
    portal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Company name,City\nAcme,Gdynia\n")
    assert "Acme: City: – → Gdynia" in portal(str(path)).output
    path.write_text("Company name,Product,Auto renew\nAcme,Marketing Hub,tak\n")
    changed = "At the end of the term: Must be decided → Renews by itself"
    assert f"Acme, Marketing Hub: {changed}" in portal(str(path)).output
    path.write_text("Company name,Country\n" + "".join(f"New {n},Atlantis\n" for n in range(40)))
    result = portal(str(path))
    assert result.output.count("Atlantis") == 30
    assert "and 10 more; --json has all of them" in result.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Line 1: The file is empty."),
        (b",,,", "Line 1: The column names are missing."),
        (b"\xef\xbb\xbf;;\n;;\n", "Line 1: The column names are missing."),
        (b"x" * 200_000, "Line 1: The line breaks the file"),
        (b"Firma\nA\n", "Map company, domain or external id. (--map)"),
        (b"Company name\nA\xb3a\n", "in cp1250 a line reads: Ała (--encoding)"),
        (b"Company name\nA\n\0", "NUL character"),
        (b"Company name,Product,Renewal date,Term\nA,Hub,1.2.2027,P1Y\n", ": 1.2.2027 (--dates)"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_is_no_list_is_answered_in_a_sentence(
    app: Flask, portal: Any, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    result = portal(str(path), "--apply")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert clients(app) == 2


def test_a_report_for_programs_is_written_as_json_is(
    app: Flask, portal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b'Company name,City,"Fa\rx"\nAcme,Gdynia,1\nAcme,,2\n')
    text = portal(str(path), "--json").stdout
    report = json.loads(text)
    assert report["unused_columns"] == ["Fa\rx"]
    assert [change["after"] for change in report["changes"]] == ["Gdynia"]
    assert text == json.dumps(report, ensure_ascii=False, indent=2) + "\n"


def test_who_was_overtaken_twice_is_told_in_a_line(
    portal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*arguments: Any, **options: Any) -> None:
        raise StaleDataError

    monkeypatch.setattr(imports, "import_list", overtaken)
    result = portal(str(DATA / "clients.csv"), "--apply")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "The same rows were saved elsewhere" in result.stderr


def test_a_list_of_a_header_alone_changes_nothing(app: Flask, portal: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Company name,Product\n,\n")
    result = portal(str(path), "--apply")
    assert result.exit_code == 0
    assert "created: 0, changed: 0, unchanged: 0, with errors: 0" in result.stdout
    assert clients(app) == 2


def test_lines_about_archived_clients_are_named(app: Flask, portal: Any, tmp_path: Path) -> None:
    with unit_of_work(app):
        archiving.archive(
            None, db.session.scalars(select(Client).where(Client.name == "Acme")).one()
        )
    path = tmp_path / "list.csv"
    path.write_text("company,city\nAcme,Lodz\nNew,Lodz\n")
    result = portal(str(path), "--apply")
    assert "1 line is left out: its client is archived." in result.stdout
    assert "Line 2: Acme" in result.stdout
    report = json.loads(portal(str(path), "--json").stdout)
    assert report["archived"] == [{"row": 2, "client": "Acme"}]
    assert (report["unchanged"], report["created"]) == (1, 0)
