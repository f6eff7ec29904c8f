"""One more kind of mail is one file, its templates, and its code: in the enum, in the words, in the database.

A copy of the sources gets these and nothing else; tests/another_kind/sending.py runs in it.
"""

import shutil
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.support.copies import ROOT, copy_of_sources, run_tests

KIND = Path(__file__).parent.parent / "another_kind"


def add_file_and_templates(folder: Path) -> None:
    shutil.copy(KIND / "anniversary.py", folder / "webapp" / "mail" / "kinds")
    for template in KIND.glob("anniversary.*"):
        if template.suffix != ".py":
            shutil.copy(template, folder / "templates" / "mail")


def add_line(path: Path, above: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(above) == 1
    path.write_text(text.replace(above, f"{line}\n{above}"), encoding="utf-8")


def add_code(folder: Path) -> None:
    above = '    PASSWORD_RESET = "password_reset"\n'
    add_line(folder / "webapp/domain/facts.py", above, '    ANNIVERSARY = "anniversary"')
    above = '    MailKind.PASSWORD_RESET: _l("Password reset"),\n'
    words = '    MailKind.ANNIVERSARY: _l("Anniversary"),'
    add_line(folder / "webapp/labels/codes.py", above, words)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    head = ScriptDirectory.from_config(config).get_current_head()
    migration = (KIND / "migration.py").read_text(encoding="utf-8").replace("HEAD", str(head))
    path = folder / "migrations" / "versions" / "9999_anniversary.py"
    path.write_text(migration, encoding="utf-8")


def test_another_kind_of_mail_is_one_file_its_templates_and_its_code() -> None:
    copy = copy_of_sources("another-kind", add_file_and_templates, add_code)
    run_tests(copy, "another_kind/sending.py")
