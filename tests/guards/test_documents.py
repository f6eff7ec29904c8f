"""Documents say what the code says: the states of a mail, and one line for each file."""

import pytest

from tools import drawn


@pytest.mark.parametrize("document", drawn.DRAWN)
def test_what_is_drawn_is_fresh(document: str) -> None:
    present = (drawn.ROOT / document).read_text(encoding="utf-8")
    assert drawn.drawn(document) == present, "run: .venv/bin/python tools/drawn.py"


def test_every_file_says_in_one_line_what_it_is() -> None:
    modules = (drawn.ROOT / "webapp").rglob("*.py")
    assert [str(path) for path in modules if not drawn.first_line(path)] == []
