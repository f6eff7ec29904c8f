"""Readers of the original article find every word of it on the screen.

terms.json has the labels of the article, with its faults repaired. All `labels` must be on the pages. Words of
`vocabulary` must be spelt in just this way if they are a text of their own.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from tools import catalogs

TERMS: dict[str, dict[str, dict[str, str | list[str]]]] = json.loads(
    Path(__file__).with_name("terms.json").read_text(encoding="utf-8")
)


@cache
def translations(language: str) -> dict[str, list[tuple[str, ...]]]:
    """All translations by English text, as lists because a text may occur in several contexts."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for message in catalogs.read_catalog(language):
        name = message.id[0] if isinstance(message.id, tuple) else message.id
        found.setdefault(name, []).append(catalogs.forms(message))
    return found


def cases(kind: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (language, english, (text,) if isinstance(text, str) else tuple(text))
        for english, languages in TERMS[kind].items()
        for language, text in languages.items()
    ]


@pytest.mark.parametrize(("language", "english", "expected"), cases("labels"))
def test_label(language: str, english: str, expected: tuple[str, ...]) -> None:
    found = translations(language).get(english, [])
    assert found, "this label is nowhere"
    assert set(found) == {expected}


@pytest.mark.parametrize(("language", "english", "expected"), cases("vocabulary"))
def test_word(language: str, english: str, expected: tuple[str, ...]) -> None:
    assert set(translations(language).get(english, [])) <= {expected}
