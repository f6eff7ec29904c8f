"""Output may break, work may not: with real pipes that nobody reads from, and a disk that is full."""

import os
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from io import TextIOWrapper
from pathlib import Path

import pytest
from flask.cli import ScriptInfo
from sqlalchemy import func, select

from tests.support import run
from tests.support.cast import Cast
from webapp.models import Client, Partner, User, db

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = f"{sys.executable} -c 'from webapp.app import main; main()'"


@contextmanager
def unread():
    """Nobody reads from the standard output any more: a pipe whose other end is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = TextIOWrapper(os.fdopen(writing, "wb", 0), encoding="latin-1", write_through=True)
    with redirect_stdout(stream):
        yield
    # What a command of Click's has left in it can't be written any more.
    with suppress(BrokenPipeError):
        stream.close()


def portal(app, *words):
    """Call a command as the console script does, with this process's own streams; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        app.cli.main(words, obj=ScriptInfo(create_app=lambda: app), prog_name="portal")
    return ended.value.code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_work_is_done_although_nobody_reads(app, cast: Cast):
    with unread():
        done = [
            portal(app, *words)
            for words in (
                ("init",),
                ("partner", "add", "Żółć", "--admin", "zenon@zolc.example"),
                ("partner", "sending", "odnowa", "on"),
                ("user", "add", "odnowa", "frank@odnowa.example"),
                ("person", "erase", "dave@acme.example", "--name", "Dave"),
                ("worker", "--once"),
            )
        ]
    assert done == [0] * 6
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Partner.name == "Żółć")) == 1
        assert db.session.get_one(Partner, cast.partner).sending
        assert db.session.scalar(select(User.name).where(User.email_key == "frank@odnowa.example"))
        assert db.session.get_one(User, cast.dave).erased_at


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_report_that_is_not_work_ends_with_its_reader(app, cast: Cast):
    with unread():
        assert portal(app, "deliveries", "counts") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_told_after_the_work(app, cast: Cast, capsys):
    with Path("/dev/full").open("w") as full, redirect_stdout(full):
        assert portal(app, "partner", "sending", "odnowa", "on") == 1
    assert "its report could not be written: No space left on device" in capsys.readouterr().err
    with app.app_context():
        assert db.session.get_one(Partner, cast.partner).sending


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_import_into_a_pipe_that_ends(app, cast: Cast, tmp_path):
    rows = (f"Client {number},{number}.example,Hub,2030-01-01,P1Y" for number in range(2_000))
    (tmp_path / "list.csv").write_text(
        "\n".join(["Company name,Company domain name,Product,Renewal date,Term", *rows])
    )
    command = (
        f"set -o pipefail; {PROGRAM} import --partner odnowa {tmp_path}/list.csv --apply --json"
    )
    ended = subprocess.run(
        ["bash", "-c", f"{command} 2>&1 | head -1"],
        env=run.environment(
            PORTAL_DATABASE_URL=app.config["SQLALCHEMY_DATABASE_URI"],
            PORTAL_INSTANCE_PATH=str(tmp_path),
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "{\n", "")
    with app.app_context():
        assert db.session.scalar(select(func.count(Client.id))) == 2_002
