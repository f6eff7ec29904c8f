"""Commands in the documents exist as written."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo

from webapp.cli import migrating

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document: Path) -> None:
    source = document.read_text(encoding="utf-8")
    typed = re.findall(r"(?:^|`)\s*make ([a-z-]+)", source, flags=re.MULTILINE)
    assert set(typed) <= TARGETS


def fences(source: str) -> Iterator[str]:
    """The lines of a document's shell blocks, without their comments."""
    for block in re.findall(r"```sh\n(.*?)```", source, flags=re.DOTALL):
        for line in block.splitlines():
            yield line.partition("  #")[0].strip()


def commands(source: str) -> list[list[str]]:
    """The words after ``portal`` of each command in a document: in shell blocks, and in `spans`."""
    typed = [line.removeprefix(".venv/bin/") for line in fences(source)]
    typed += re.findall(r"`(?:\.venv/bin/)?(portal [^`]+)`", source)
    return [shlex.split(one)[1:] for one in typed if one.startswith("portal ")]


def resolve(app: Flask, words: list[str]) -> click.Command:
    """The command that words name; what follows its name is an argument or an option."""
    group = FlaskGroup()
    found: click.Command = group
    # Closed at the end, since it holds the application context that a command is looked up in.
    with click.Context(group, obj=ScriptInfo(create_app=lambda: app)) as context:
        for word in words:
            if not isinstance(found, click.Group):
                break
            known = found.get_command(context, word)
            assert known, f"there is no command {word!r} in: portal {' '.join(words)}"
            found = known
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.settings(demo=True)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_commands_and_their_options_exist(app: Flask, document: Path) -> None:
    migrating.prepare(app)
    for words in commands(document.read_text(encoding="utf-8")):
        if words[0] == "COMMAND":
            continue
        found = resolve(app, words)
        options = {name for one in found.params for name in one.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options, words


# Where nobody listens, so that the check with --deploy asks no other machine.
@pytest.mark.settings(base_url="http://127.0.0.1:1")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_way_to_start_for_real_can_be_walked(app: Flask) -> None:
    source = (ROOT / "README.md").read_text(encoding="utf-8")
    walk = commands(source.partition("## Start for real")[2].partition("\n## ")[0])
    short = [words for words in walk if words[0] not in ("serve", "worker")]
    assert [words[0] for words in walk] != [words[0] for words in short]
    said = ""
    for words in short:
        result = app.test_cli_runner().invoke(args=words)
        said += result.output
        # A check that finds something missing says so by 1.
        assert result.exit_code == 0 or (words[0] == "check" and result.exit_code == 1), said
    assert "/link/" in said


def test_make_shows_the_intranet() -> None:
    asked = ["make", "--dry-run", "--no-print-directory", "demo-intranet", "PORT=9000", "RESET=1"]
    steps = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # Walked through by tests/browser/test_intranet.py.
    assert steps.splitlines()[-1].endswith("-m tools.intranet --port 9000 --reset")


def test_readme_starts_with_the_two_commands() -> None:
    beginning = (ROOT / "README.md").read_text(encoding="utf-8")[:3000]
    assert "make demo" in beginning
    assert "make test" in beginning


def test_continuous_integration_runs_the_test_command_alone() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["exec make test"]


def test_make_names_no_address_and_no_machine() -> None:
    for lock in ROOT.glob("*.lock"):
        assert "://" not in lock.read_text()
        assert "--find-links" not in lock.read_text()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_libraries_are_locked_with_their_hashes(lock: str) -> None:
    pieces = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())[1:]
    faults = [
        piece.partition("\n")[0]
        for piece in pieces
        if not re.fullmatch(
            r"[\w.-]+(\[[\w,]+\])?==\S+( ; .+?)?( \\\n    --hash=sha256:\w{64})+", piece
        )
    ]
    assert faults == []
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    asked = re.findall(r"^[\w-]+", setup["options"]["install_requires"], flags=re.MULTILINE)
    locked = {re.match(r"[\w.-]+", piece)[0].lower() for piece in pieces}
    assert {name.lower() for name in asked} <= locked
