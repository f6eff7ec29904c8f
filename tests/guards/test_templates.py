"""Templates keep the strict content security policy, and texts that can be translated."""

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tools.catalogs import FUNCTIONS

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# Mails are read in programs that know nothing but style attributes, and never as a page of ours.
PAGES = [path for path in TEMPLATES if "mail" not in path.relative_to(ROOT / "templates").parts[:1]]
MODULES = sorted((ROOT / "webapp").rglob("*.py"))

FORBIDDEN = {
    "style attribute": r"<[^>]*\sstyle\s*=",
    "style element": r"<style\b",
    "event attribute": r"<[^>]*\son[a-z]+\s*=",
    "inline script": r"<script(?![^>]*\ssrc=)",
    "script address": r"javascript:",
    "htmx evaluating text": r"\shx-(on|vals\s*=\s*[\"']js)",
    "htmx trigger filter": r"\shx-trigger\s*=\s*\"[^\"]*\[",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_page_needs_no_inline_code(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, source)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=name)
def test_template_marks_only_literal_texts(template: Path) -> None:
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]).parse(
        template.read_text(encoding="utf-8")
    )
    assert [
        call.lineno
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
        and call.node.name in FUNCTIONS
        and not (call.args and isinstance(call.args[0], nodes.Const))
    ] == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_module_marks_only_literal_texts(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert [
        call.lineno
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in FUNCTIONS
        and not (call.args and isinstance(call.args[0], ast.Constant))
    ] == []
