"""docs/security.md has each requirement of OWASP ASVS 5.0, levels 1 and 2, and names tests that are there.

``asvs.json`` has their ids. They are compared with what the table says, not with the standard's words.
"""

import ast
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "security.md"
LEVELS = json.loads((Path(__file__).parent / "asvs.json").read_text(encoding="utf-8"))
MET, NOT_MET, NOT_APPLICABLE = "met", "**not met**", "not applicable"


@dataclass(frozen=True)
class Row:
    """A row of the table: its requirements, their level, what became of them, and why."""

    ids: tuple[str, ...]
    level: str
    status: str
    why: str


def rows() -> list[Row]:
    found = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.match(r"\| \d+\.\d+\.\d+", line):
            ids, level, _short, status, why = cells
            found.append(Row(tuple(ids.split(", ")), level, status, why))
    return found


ROWS = rows()


def name(row: Row) -> str:
    return row.ids[0]


@cache
def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@cache
def headings(path: Path) -> set[str]:
    """The anchors of a document's headings."""
    lines = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines}


def named_tests(text: str) -> list[str]:
    return re.findall(r"`([\w/]+\.py::\w+)`", text)


def is_there(test: str) -> bool:
    path, _, function = test.partition("::")
    file = ROOT / "tests" / path
    return file.is_file() and function in functions_in(file)


def leads_somewhere(link: str) -> bool:
    path, _, anchor = link.partition("#")
    file = DOCUMENT.parent / path if path else DOCUMENT
    return file.is_file() and (not anchor or anchor in headings(file))


def test_each_requirement_stands_there_once() -> None:
    known = {one: level[-1] for level, ids in LEVELS.items() for one in ids}
    assert Counter(one for row in ROWS for one in row.ids) == Counter(list(known))
    assert {row.ids: row.level for row in ROWS} == {
        row.ids: "–".join(sorted({known[one] for one in row.ids})) for row in ROWS
    }


def test_the_standard_has_as_many() -> None:
    assert {level: len(ids) for level, ids in LEVELS.items()} == {"level 1": 70, "level 2": 183}


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_row_says_what_became_of_it(row: Row) -> None:
    assert row.status in (MET, NOT_MET, NOT_APPLICABLE)
    assert [test for test in named_tests(row.why) if not is_there(test)] == []
    # Documents meet what asks for documents.
    documented = re.findall(r"\]\(([^)]+)\)", row.why)
    assert [link for link in documented if not leads_somewhere(link)] == []
    if row.status == MET:
        assert named_tests(row.why) or documented
    else:
        assert row.why
    # A name that is not written as one would not be looked for.
    assert re.sub(r"`[^`]*`", "", row.why).count("::") == 0


def test_the_numbers_are_those_of_the_table() -> None:
    said = re.search(r"(\d+) met, (\d+) not applicable, (\d+) not met", DOCUMENT.read_text())
    assert said
    counted = Counter(row.status for row in ROWS for _ in row.ids)
    assert tuple(map(int, said.groups())) == tuple(
        counted[status] for status in (MET, NOT_APPLICABLE, NOT_MET)
    )


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", DOCUMENT.read_text(encoding="utf-8"))
    assert [link for link in links if not leads_somewhere(link)] == []


@pytest.mark.parametrize(
    ("what", "there"),
    [
        ("guards/test_security_document.py::test_links_of_the_page_lead_somewhere", True),
        ("guards/test_security_document.py::test_nothing", False),
        ("guards/test_nothing.py::test_nothing", False),
    ],
)
def test_a_test_that_is_not_there_is_seen(what: str, there: bool) -> None:
    assert is_there(what) is there


@pytest.mark.parametrize(
    ("link", "there"),
    [("#the-model", True), ("operating.md#mail", True), ("operating.md#nothing", False), ("no.md", False)],
)  # fmt: skip
def test_a_link_that_leads_nowhere_is_seen(link: str, there: bool) -> None:
    assert leads_somewhere(link) is there
