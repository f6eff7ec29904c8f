"""A fourth language is a record and a catalog: Danish, by the steps of docs/translating.md.

Its record is the one of that document. Its catalog has every text in brackets, so that what stands outside of them
on a page or in a mail is hard-coded. A copy of the sources gets both and nothing else; the tests of
tests/fourth_language run in it.
"""

import re
import textwrap
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from tests.fourth_language.reading import CLOSES, CODE, OPENS
from tests.support.copies import ROOT, copy_of_sources, in_copy, run_tests


def add_record(folder: Path) -> None:
    guide = (ROOT / "docs" / "translating.md").read_text(encoding="utf-8")
    (record,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    path = folder / "webapp" / "i18n.py"
    records = path.read_text(encoding="utf-8")
    before, english, after = records.partition('    Language(\n        code="en",\n')
    indented = textwrap.indent(record.strip(), "    ")
    path.write_text(f"{before}{indented},\n{english}{after}", encoding="utf-8")


def add_catalog(folder: Path) -> None:
    path = folder / "translations" / CODE / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text("# Danish texts of Renewal Portal.\n")
    made = in_copy(folder, "-m", "tools.catalogs", "update")
    assert f"{CODE}: not translated" in made.stderr
    with path.open("rb") as file:
        catalog = read_po(file, locale=CODE)
    for message in catalog:
        if isinstance(message.id, tuple):
            message.string = tuple(f"{OPENS}{text}{CLOSES}" for text in message.id)
        elif message.id:
            message.string = f"{OPENS}{message.id}{CLOSES}"
    with path.open("wb") as file:
        write_po(file, catalog)
    completed = in_copy(folder, "-m", "tools.catalogs", "update")
    assert completed.returncode == 0, completed.stderr


def test_a_fourth_language_needs_a_record_and_a_catalog() -> None:
    copy = copy_of_sources("fourth-language", add_record, add_catalog)
    names = ("pages.py", "answers.py", "words.py")
    run_tests(copy, *(f"fourth_language/{name}" for name in names), "guards/test_catalogs.py")
