"""Documents say what the code says: the states of a mail, and one line for each file."""

import pytest

from tools import drawn


@pytest.mark.parametrize("document", drawn.DRAWN)
def test_what_is_drawn_is_fresh(document: str) -> None:
    present = (drawn.ROOT / document).read_text(encoding="utf-8")
    assert drawn.drawn(document) == present, "run: .venv/bin/python tools/drawn.py"


def test_every_file_has_its_line() -> None:
    lines = [line for line in drawn.files().splitlines() if line]
    assert len(lines) == len(drawn.modules())
    assert [str(path) for path in drawn.modules() if not drawn.first_line(path)] == []
