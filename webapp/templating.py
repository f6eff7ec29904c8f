"""Templates: one environment for each language, in which the texts are already in their places."""

import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from functools import partial
from gettext import NullTranslations
from typing import Any

from flask import Flask, current_app, g
from flask.templating import Environment as FlaskEnvironment
from flask_babel import Domain, get_locale, get_translations
from jinja2 import Template, nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from webapp import typography
from webapp.domain.phones import dialled
from webapp.i18n import LANGUAGES, Language
from webapp.labels import codes

# HTML lets one leave out the ends of cells and rows (HTML standard, 13.1.2.4), and all but one of the spaces.
IDLE = (
    (re.compile(r"</t[dhr]>\s*"), ""),
    (re.compile(r"\s*\n\s*"), "\n"),
    (re.compile(r" +"), " "),
)
# Finds what means something else in HTML than in a text.
SPECIAL = re.compile("[&<>\"']").search
# Functions for a text that may already be looked up when a template is compiled.
FIXED = {"_", "gettext", "pgettext"}
# The folder of mails, and the parts of a template that are not HTML. A private character is in no text of ours.
MAILS = "mail/"
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
MARK = "\ue000{}\ue000"
MARKED = re.compile(r"(?:<!--)?\ue000(\d+)\ue000(?:-->)?")
# Splits a text at the places for its values, and keeps their names.
PLACES = re.compile(r"%\((\w+)\)[sd]")


FORMS: tuple[Callable[..., str], ...] = (
    typography.full_date,
    typography.long_date,
    typography.medium_date,
    typography.near_date,
    typography.month_name,
    typography.short_month,
    typography.local_time,
    typography.money,
    typography.number,
    typography.week_day,
)


def escaped(value: Any) -> str:
    """Write a value as HTML, like markupsafe's escape, which takes three times as long for a text or a number."""
    kind = type(value)
    if kind is str:
        return escape(value) if SPECIAL(value) else value
    if kind is int:
        return str(value)
    return value if kind is Markup else escape(value)


class Generator(CodeGenerator):
    """Writes a template as Python. What it shows is only joined with other text, and needs no Markup around it."""

    environment: "Templates"

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        elif isinstance(node, nodes.Filter) and node.name in self.environment.plain:
            self.write("(")
        else:
            self.write("environment.escaped(")

    def visit_Getattr(  # noqa: N802 (the name is Jinja's)
        self, node: nodes.Getattr, frame: Frame
    ) -> None:
        """Write ``a.b`` as Python's own, which is an attribute and no item, and must be there."""
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

    def visit_Getitem(  # noqa: N802 (the name is Jinja's)
        self, node: nodes.Getitem, frame: Frame
    ) -> None:
        """Write ``a[b]`` as Python's own, likewise."""
        self.visit(node.node, frame)
        self.write("[")
        self.visit(node.arg, frame)
        self.write("]")


class Templates(FlaskEnvironment):
    """The templates as written, and in each language.

    A template is compiled once for each language. A text without values is then a constant like the tags
    around it, so that it costs nothing however often a page shows it.
    """

    code_generator_class = Generator
    escaped = staticmethod(escaped)
    catalog: NullTranslations | None = None
    # The filters that write dates, numbers and words of ours, in which nothing means something else in HTML.
    plain: Collection[str] = ()

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self.languages: dict[str, Templates] = {}

    def in_language(self) -> "Templates":
        """Return the environment of the language in force."""
        code = str(get_locale())
        if code not in self.languages:
            self.languages[code] = self.translated(LANGUAGES[code], get_translations())
        return self.languages[code]

    def translated(self, language: Language, catalog: NullTranslations) -> "Templates":
        """Make the environment of a language: its texts, its code and its tag, its forms of dates and numbers."""
        own = self.overlay(cache_size=200)
        own.catalog = catalog
        own.globals = {
            **self.globals,
            **texts(catalog),
            "language": language.code,
            "page_lang": language.html,
            "labels": codes.spoken(),
            "portal": codes.portal_name(current_app.config["PORTAL"].name),
        }
        forms: dict[str, Callable[..., str]] = {
            form.__name__: partial(form, language=language.code) for form in FORMS
        }
        forms |= codes.phrases()
        # A currency is a text of the data.
        own.plain = set(forms) - {"money"}
        own.filters = {
            **self.filters,
            **forms,
            "address": typography.address,
            "dialled": dialled,
        }
        return own

    def get_or_select_template(self, *names: Any, **options: Any) -> Template:
        """Find a template for flask.render_template, in the language in force."""
        return super(Templates, self.in_language()).get_or_select_template(*names, **options)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return a template's globals as one dict. Each rendering and include copies them, a chain slowly."""
        return {**self.globals, **(d or {})}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if name and name.endswith(".html") and name.startswith(MAILS):
            assert self.loader
            source = with_style(source, self.loader.get_source(self, f"{MAILS}style.css")[0])
        template = super()._parse(source, name, filename)
        # Mails stay as they are written: few see a page's source, and many a mail's.
        if name and name.endswith(".html") and not name.startswith(MAILS):
            for data in template.find_all(nodes.TemplateData):
                data.data = without_idle_parts(data.data)
        if self.catalog is not None:
            InPlace(self.catalog, nodes.EvalContext(self, name).autoescape).visit(template)
        return template


def with_style(source: str, sheet: str) -> str:
    """Put the rules of a stylesheet into the style attributes of a template, for programs that know no others.

    Jinja's parts stand aside meanwhile: a value as a mark, all else as a comment, which may stand in a table.
    """
    # A library that only mails need.
    from css_inline import CSSInliner

    kept: list[str] = []

    def aside(part: re.Match[str]) -> str:
        kept.append(part[0])
        mark = MARK.format(len(kept) - 1)
        return mark if part[0].startswith("{{") else f"<!--{mark}-->"

    inliner, html = CSSInliner(extra_css=sheet), JINJA.sub(aside, source)
    whole = "<html" in html
    styled = inliner.inline(html) if whole else inliner.inline_fragment(html, sheet)
    return MARKED.sub(lambda mark: kept[int(mark[1])], styled)


def without_idle_parts(markup: str) -> str:
    for idle, enough in IDLE:
        markup = idle.sub(enough, markup)
    return markup


class InPlace(NodeTransformer):
    """Puts the catalog's texts into a template, in place of the calls for them."""

    def __init__(self, catalog: NullTranslations, autoescape: bool) -> None:
        self.catalog = catalog
        self.autoescape = autoescape

    def visit_Call(  # noqa: N802 (the name is Jinja's)
        self, call: nodes.Call
    ) -> nodes.Node:
        self.generic_visit(call)
        text = self.text_of(call)
        if text is None or call.kwargs:
            return call
        return nodes.Const(filled(text, {}, self.autoescape), lineno=call.lineno)

    def visit_Output(  # noqa: N802
        self, output: nodes.Output
    ) -> nodes.Node:
        output.nodes = [part for shown in output.nodes for part in self.parts(shown)]
        return self.generic_visit(output)

    def parts(self, shown: nodes.Expr) -> list[nodes.Expr]:
        """Split a text with values into its parts and the values, which are then shown one after another."""
        if not isinstance(shown, nodes.Call) or not shown.kwargs:
            return [shown]
        text = self.text_of(shown)
        if text is None:
            return [shown]
        values = {value.key: value.value for value in shown.kwargs}
        return [
            values[part] if at % 2 else nodes.TemplateData(part % (), lineno=shown.lineno)
            for at, part in enumerate(PLACES.split(text))
        ]

    def text_of(self, call: nodes.Call) -> str | None:
        """Look up the text that a call is for; None if it is not known before the page is made."""
        name = call.node.name if isinstance(call.node, nodes.Name) else ""
        words = [word.value for word in call.args if isinstance(word, nodes.Const)]
        if name not in FIXED or len(words) < len(call.args) or call.dyn_args or call.dyn_kwargs:
            return None
        look_up = self.catalog.pgettext if name == "pgettext" else self.catalog.gettext
        return look_up(*words)


def texts(catalog: NullTranslations) -> dict[str, Callable[..., str]]:
    """Make the functions that templates call for a text with values, like those of Jinja's extension."""

    @pass_eval_context
    def gettext(context: EvalContext, text: str, /, **values: Any) -> str:
        return filled(catalog.gettext(text), values, context.autoescape)

    @pass_eval_context
    def ngettext(context: EvalContext, one: str, many: str, num: int, /, **values: Any) -> str:
        text = catalog.ngettext(one, many, num)
        return filled(text, {"num": num} | values, context.autoescape)

    @pass_eval_context
    def pgettext(context: EvalContext, about: str, text: str, /, **values: Any) -> str:
        return filled(catalog.pgettext(about, text), values, context.autoescape)

    return {"_": gettext, "gettext": gettext, "ngettext": ngettext, "pgettext": pgettext}


def filled(text: str, values: Mapping[str, Any], autoescape: bool) -> str:
    """Fill values into a text of the catalog. The text is ours; the values are not, so HTML escapes them."""
    if not autoescape:
        return text % values
    safe = {name: value if type(value) is int else escaped(value) for name, value in values.items()}
    return Markup(text % safe)  # nosec B704


class Catalogs(Domain):
    """The catalogs for texts in code. It finds the one in force once, not for every text."""

    def get_translations(self) -> NullTranslations:
        # Where flask_babel itself keeps the language in force, which refresh and force_locale see to.
        state = g._flask_babel
        found: NullTranslations | None = getattr(state, "babel_translations", None)
        if found is None:
            found = state.babel_translations = super().get_translations()
        return found
