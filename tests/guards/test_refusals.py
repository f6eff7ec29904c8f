"""Each refusal and each fault of a list has a sentence, and some code uses it."""

import ast
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from webapp.domain.cells import Problem
from webapp.domain.refusals import Refusal
from webapp.labels.imports import PROBLEMS
from webapp.labels.refusals import WORDS

ROOT = Path(__file__).parent.parent.parent / "webapp"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}
# Pages and commands pass on what these say.
TELLERS = {"domain", "mail", "services", "signin"}
# The exceptions that bear a code, and the place of the code among their arguments.
BEARERS = {"Refused": 1, "AddressError": 0, "CellError": 0, "MatchError": 1, "Fault": 2}


def members(tree: ast.AST, kind: type[StrEnum]) -> Iterator[str]:
    """The members of an enum that code names, but for those that it only compares with."""
    compared = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Compare, ast.MatchValue))
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=member) if name == kind.__name__:
                if id(node) not in compared:
                    yield member


def codes_borne(tree: ast.AST) -> Iterator[tuple[int, ast.expr]]:
    """The lines in which somebody says no, each with the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = BEARERS.get(node.func.id)
            if place is not None and len(node.args) > place:
                yield node.lineno, node.args[place]


@pytest.mark.parametrize(("kind", "words"), [(Refusal, WORDS), (Problem, PROBLEMS)])
def test_every_code_has_words_and_no_words_are_left_over(
    kind: type[StrEnum], words: dict[Any, Any]
) -> None:
    assert words.keys() == set(kind)
    assert len({str(text) for text in words.values()}) == len(words), "two codes, one sentence"


@pytest.mark.parametrize("kind", [Refusal, Problem])
def test_every_code_is_told_by_somebody(kind: type[StrEnum]) -> None:
    tellers = [tree for path, tree in TREES.items() if path.relative_to(ROOT).parts[0] in TELLERS]
    told = {name for tree in tellers for name in members(tree, kind)}
    assert set(kind.__members__) - told == set()


def test_no_code_is_a_string() -> None:
    """Text would have no words; a member or what holds one is asked for."""
    found = [(path, line, code) for path, tree in TREES.items() for line, code in codes_borne(tree)]
    assert len(found) > 50
    strings = (ast.Constant, ast.JoinedStr, ast.BinOp)
    assert [f"{path.name}:{line}" for path, line, code in found if isinstance(code, strings)] == []


def test_a_code_that_is_only_compared_with_is_told_by_nobody() -> None:
    tree = ast.parse(
        "if why is Refusal.DATE or why == Refusal.STEPS: raise Refused(x, Refusal.DATE)"
    )
    assert list(members(tree, Refusal)) == ["DATE"]
