"""A recipe of docs/embedding.md is cut out and run by the test that it names, or says that it was not tried."""

import re
from dataclasses import fields

import pytest

from tests.support.recipes import DOCUMENT, Recipe, recipes
from tools.drawn import anchor
from webapp.config import Settings, variable

ROOT = DOCUMENT.parent.parent
UNTRIED = re.compile(r"^Not tried here\b", flags=re.MULTILINE)
SECTIONS = ("Address", "Frame", "Sign-in", "Look", "Pieces", "Its headers", "What there is not")


def source() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def index() -> dict[str, str]:
    """The table at the beginning: each recipe's title, and whether it was tried."""
    return dict(re.findall(r"^\| \[(.+?)\]\(#.+?\) \| (yes|no) \|$", source(), flags=re.MULTILINE))


@pytest.mark.parametrize("recipe", recipes(), ids=lambda one: one.title)
def test_a_recipe_is_run_by_a_test_or_says_that_it_is_not(recipe: Recipe) -> None:
    assert bool(recipe.tests) != bool(UNTRIED.search(recipe.text))
    for test in recipe.tests:
        # By its title a test finds the recipe (tests/support/recipes.py).
        assert f'"{recipe.title}"' in (ROOT / test).read_text(encoding="utf-8"), test


def test_the_index_says_of_each_recipe_whether_it_was_tried() -> None:
    assert index() == {one.title: "yes" if one.tests else "no" for one in recipes()}


def test_all_sections_are_there_and_what_can_be_run_stands_in_recipes() -> None:
    titles = re.findall(r"^## (.+)$", source(), flags=re.MULTILINE)
    assert tuple(titles) == SECTIONS
    loose = re.sub(r"^### .*?(?=^##? |\Z)", "", source(), flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"^```(\w+)$", loose, flags=re.MULTILINE)) <= {"sh"}


def test_the_portal_takes_the_settings_of_the_document() -> None:
    known = {variable(setting.name): setting.metadata["parse"] for setting in fields(Settings)}
    stated = re.findall(r"^(PORTAL_[A-Z_]+)=(.+)$", source(), flags=re.MULTILINE)
    assert stated
    for name, text in stated:
        known[name](text)


def test_links_within_the_document_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.+)$", source(), flags=re.MULTILINE)
    links = re.findall(r"\]\(#(.+?)\)", source())
    assert set(links) <= {anchor(title) for title in headings}


def test_a_recipe_without_a_mark_is_found() -> None:
    marked, bare = (
        "### A\n\nTried by `tests/a.py`, `tests/b.py`.\n",
        "### B\n\nTry it.\n\n```sh\nls\n```\n",
    )
    first, second = recipes(f"# X\n\n## Y\n\n{marked}\n{bare}\n## Z\n\n```sh\nno\n```\n")
    assert first.tests == ("tests/a.py", "tests/b.py")
    assert (second.tests, second.fences) == ((), (("sh", "ls\n"),))
