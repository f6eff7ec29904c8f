"""What the documents tell people to type exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document: Path) -> None:
    source = document.read_text(encoding="utf-8")
    typed = re.findall(r"(?:^|`)\s*make ([a-z]+)", source, flags=re.MULTILINE)
    assert set(typed) <= TARGETS


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
