"""A language is complete or it is not offered."""

import re
from gettext import c2py  # type: ignore[attr-defined]

import pytest
from babel.messages.catalog import Catalog, Message

from tools import catalogs
from webapp.i18n import LANGUAGES

# English is the texts themselves.
TRANSLATED = sorted(LANGUAGES.keys() - {"en"})
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]")
# Polish greets nobody by a name as a list has it.
NAMELESS = {"'Hello %(name)s,': 'Dzień dobry,'"}
TAG = re.compile(r"</?[a-z]+")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return catalogs.extract()


def texts(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple) else [message.id]


def english(message: Message, place: int) -> str:
    """The English text of a form: the first one is about one thing, and may do without the number."""
    return texts(message)[0 if place == 0 else -1]


def differing(language: str, pattern: re.Pattern[str]) -> list[str]:
    """Translations in which the pattern finds other things than in the English text for their numbers."""
    return [
        f"{texts(message)[0]!r}: {form!r}"
        for message in catalogs.read_catalog(language)
        if message.id
        for place, form in enumerate(catalogs.forms(message))
        if sorted(pattern.findall(form)) != sorted(pattern.findall(english(message, place)))
    ]


def test_every_language_has_a_catalog_and_every_catalog_a_language() -> None:
    assert catalogs.languages() == TRANSLATED


def test_template_is_fresh(template: Catalog) -> None:
    stored = catalogs.TEMPLATE.read_text(encoding="utf-8")
    assert stored == catalogs.serialise(template), "run make messages"


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalog_is_fresh(language: str, template: Catalog) -> None:
    stored = catalogs.catalog_path(language).read_text(encoding="utf-8")
    assert stored == catalogs.serialise(catalogs.updated(language, template)), "run make messages"


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalog_is_complete(language: str) -> None:
    assert list(catalogs.problems(catalogs.read_catalog(language))) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_are_the_same(language: str) -> None:
    assert set(differing(language, PLACEHOLDER)) <= NAMELESS


@pytest.mark.parametrize("language", TRANSLATED)
def test_tags_are_the_same(language: str) -> None:
    assert differing(language, TAG) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_plural_rule(language: str) -> None:
    """Numbers that the language tells apart have forms of their own, by Unicode's data.

    Babel's rule for `pt` is another one than that of its Brazilian locale, which says "0 cliente".
    """
    catalog, locale = catalogs.read_catalog(language), LANGUAGES[language].locale
    choose = c2py(catalog.plural_expr)
    pairs = {(locale.plural_form(count), choose(count)) for count in range(1000)}
    kinds, forms = ({pair[place] for pair in pairs} for place in (0, 1))
    assert len(kinds) == len(forms) == len(pairs) == catalog.num_plurals


def test_no_text_names_the_vendor(template: Catalog) -> None:
    assert [message.id for message in template if "HubSpot" in str(message.id)] == []
