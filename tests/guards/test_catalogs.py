"""A language is complete or it is not offered."""

import re

import pytest
from babel.messages.catalog import Catalog, Message

from tools import catalogs

PLURALS = {
    "pl": "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    # Babel would say n != 1 for `pt`; Brazil says "0 cliente".
    "pt": "nplurals=2; plural=(n > 1);",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]")
TAG = re.compile(r"</?[a-z]+")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return catalogs.extract()


def texts(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple) else [message.id]


def differing(language: str, pattern: re.Pattern[str]) -> list[str]:
    """Translations in which the pattern finds other things than in the English text."""
    return [
        f"{texts(message)[0]!r}: {form!r}"
        for message in catalogs.read_catalog(language)
        if message.id
        for form in catalogs.forms(message)
        if sorted(pattern.findall(form)) != sorted(pattern.findall(texts(message)[-1]))
    ]


def test_the_languages_are_the_expected_ones() -> None:
    assert catalogs.languages() == sorted(PLURALS)


def test_template_is_fresh(template: Catalog) -> None:
    stored = catalogs.TEMPLATE.read_text(encoding="utf-8")
    assert stored == catalogs.serialise(template), "run make messages"


@pytest.mark.parametrize("language", PLURALS)
def test_catalog_is_fresh(language: str, template: Catalog) -> None:
    stored = catalogs.catalog_path(language).read_text(encoding="utf-8")
    assert stored == catalogs.serialise(catalogs.updated(language, template)), "run make messages"


@pytest.mark.parametrize("language", PLURALS)
def test_catalog_is_complete(language: str) -> None:
    assert list(catalogs.problems(catalogs.read_catalog(language))) == []


@pytest.mark.parametrize("language", PLURALS)
def test_placeholders_are_the_same(language: str) -> None:
    assert differing(language, PLACEHOLDER) == []


@pytest.mark.parametrize("language", PLURALS)
def test_tags_are_the_same(language: str) -> None:
    assert differing(language, TAG) == []


@pytest.mark.parametrize("language", PLURALS)
def test_plural_rule(language: str) -> None:
    assert f"Plural-Forms: {PLURALS[language]}" in catalogs.catalog_path(language).read_text()


def test_no_text_names_the_vendor(template: Catalog) -> None:
    assert [message.id for message in template if "HubSpot" in str(message.id)] == []
