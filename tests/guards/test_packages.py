"""The shipped files are listed by hand, and none may be forgotten."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DATA = {
    "migrations": "webapp.migrations",
    "static": "webapp.static",
    "templates": "webapp.templates",
    "translations": "webapp.translations",
}


def test_every_package_is_listed() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = setup["options"]["packages"].split()
    code = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "webapp").rglob("*.py")
    }
    assert sorted(listed) == sorted({*code, *DATA.values(), "webapp.migrations.versions"})


def test_every_data_folder_is_mapped() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["package_dir"].strip().splitlines()
    mapped = dict(reversed(line.split(" = ")) for line in lines)
    assert mapped == {"webapp": "webapp", **DATA}


def test_every_package_can_be_imported_as_one() -> None:
    folders = {path.parent for path in (ROOT / "webapp").rglob("*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []
