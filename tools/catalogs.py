"""Keep the translation catalogs in step with the code.

``python -m tools.catalogs update``   extract, update every language, compile; fails while a language is incomplete
``python -m tools.catalogs compile``  build the .mo files alone (they are not committed)

Compiled texts are set by the rules of webapp.typography; the .po files stay plain to edit. English texts are the
keys, so only its compiled catalog exists.

Nothing is ever guessed. A changed English text loses its translation instead of keeping a fuzzy one, since a
language is complete or is not offered.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from webapp.typography import set_text

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "translations"
TEMPLATE = TRANSLATIONS / "messages.pot"
SOURCE = "en"
FUNCTIONS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Headers that change with each run or version of Babel, or that nobody here fills in.
LEFT_OUT = (
    "Project-Id-Version",
    "Report-Msgid-Bugs-To",
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Language-Team",
    "Generated-By",
)


def languages() -> list[str]:
    """List the languages with a catalog, in alphabetical order."""
    return sorted(
        path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")
    )


def catalog_path(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read_catalog(language: str) -> Catalog:
    with catalog_path(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def extract() -> Catalog:
    """Collect every text that the code and the templates mark, in the order of the files."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    template = Catalog(charset="utf-8", header_comment="# Texts of Renewal Portal.", fuzzy=False)
    for filename, line, text, comments, context in extract_from_dir(
        ROOT,
        methods,
        options,
        keywords=FUNCTIONS,
        comment_tags=("NOTE:",),
        strip_comment_tags=True,
        directory_filter=lambda path: not Path(path).name.startswith((".", "_")),
    ):
        template.add(text, locations=[(filename, line)], auto_comments=comments, context=context)
    return template


def serialise(catalog: Catalog) -> str:
    """Write a catalog as text that stays the same as long as the texts do."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=110, include_lineno=False, ignore_obsolete=True)
    lines = buffer.getvalue().decode().splitlines(keepends=True)
    return "".join(
        line for line in lines if not line.startswith(tuple(f'"{name}:' for name in LEFT_OUT))
    )


def updated(language: str, template: Catalog) -> Catalog:
    """Load the catalog of a language, with exactly the template's texts."""
    catalog = read_catalog(language)
    catalog.update(template, no_fuzzy_matching=True)
    return catalog


def source_catalog() -> Catalog:
    """Make the catalog in which every English text stands for itself."""
    with TEMPLATE.open("rb") as file:
        catalog = read_po(file, locale=SOURCE, abort_invalid=True)
    for message in catalog:
        if message.id:
            message.string = message.id
    return catalog


def set_catalog(language: str) -> Catalog:
    """Make a language's catalog as the portal reads it, with its texts set."""
    catalog = source_catalog() if language == SOURCE else read_catalog(language)
    for message in catalog:
        if message.id:
            texts = tuple(set_text(text, language) for text in forms(message))
            message.string = texts if isinstance(message.string, tuple) else texts[0]
    return catalog


def compile_all() -> None:
    for language in (*languages(), SOURCE):
        path = catalog_path(language).with_suffix(".mo")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_mo(file, set_catalog(language))


def forms(message: Message) -> tuple[str, ...]:
    """Return the translated texts of a message: one, or one per plural form."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


def problems(catalog: Catalog) -> Iterator[str]:
    """Yield a line for each fault that keeps a catalog from being offered."""
    for message in catalog:
        if not message.id:
            continue
        name = message.id[0] if isinstance(message.id, tuple) else message.id
        if not all(forms(message)):
            yield f"not translated: {name}"
        elif message.fuzzy:
            yield f"fuzzy: {name}"
        else:
            yield from (f"{error}: {name}" for error in message.check(catalog))


def update() -> int:
    template = extract()
    TEMPLATE.write_text(serialise(template), encoding="utf-8")
    found = 0
    for language in languages():
        catalog = updated(language, template)
        catalog_path(language).write_text(serialise(catalog), encoding="utf-8")
        for problem in problems(catalog):
            found += 1
            print(f"{language}: {problem}", file=sys.stderr)
    compile_all()
    print(f"{len(template)} texts, {len(languages())} languages, {found} problems")
    return 1 if found else 0


def main(arguments: list[str]) -> int:
    if arguments == ["update"]:
        return update()
    if arguments == ["compile"]:
        compile_all()
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
