"""A setting has a type, a default, a check and a line in the documents."""

import re
from dataclasses import Field, fields
from pathlib import Path

import pytest

from webapp.config import PREFIX, Settings

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "operating.md"


def variable(setting: Field[object]) -> str:
    return PREFIX + setting.name.upper()


def written(value: object) -> str:
    """A default as one would set it in the environment."""
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("setting", fields(Settings), ids=variable)
def test_setting_is_documented_with_its_default(setting: Field[object]) -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    row = next((line for line in lines if line.startswith(f"| `{variable(setting)}` |")), "")
    assert row, "has no row in the table of settings"
    default = written(setting.default)
    assert not default or f"| `{default}` |" in row


@pytest.mark.parametrize("setting", fields(Settings), ids=variable)
def test_setting_explains_itself(setting: Field[object]) -> None:
    assert setting.metadata["help"].endswith(".")


def test_no_document_names_a_setting_that_is_not_there() -> None:
    known = {variable(setting) for setting in fields(Settings)}
    root = DOCUMENT.parent.parent
    named = {
        name
        for path in (*root.glob("*.md"), *root.glob("docs/**/*.md"))
        for name in re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert named <= known
