"""Bring the identity provider of npm's that `make interop` starts: `python -m tools.npm`.

Its packages and those that they need are in tests/interop/npm/package-lock.json, each with the hash of its content.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tools import debian
from tools.browser import administrator

SOURCE = debian.ROOT / "tests/interop/npm"
PLACE = debian.ROOT / ".venv/npm"


def is_there() -> bool:
    """Tell whether the packages of this very list are installed. npm writes a list of its own once all are there."""
    lock = PLACE / "package-lock.json"
    installed = (PLACE / "node_modules/.package-lock.json").exists()
    return installed and lock.read_bytes() == (SOURCE / lock.name).read_bytes()


def copy() -> None:
    """Copy list and program to where the packages are, since a program finds them in no other folder."""
    PLACE.mkdir(parents=True, exist_ok=True)
    for path in SOURCE.iterdir():
        shutil.copyfile(path, PLACE / path.name)


def main() -> int:
    if not shutil.which("npm"):
        prefix = administrator()
        if prefix is None or not shutil.which("apt-get"):
            print("this wants npm, or a Debian and a user who may install it", file=sys.stderr)
            return 1
        debian.install(["npm"], prefix)
    there = is_there()
    copy()
    if not there:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(["npm", "ci", *options], cwd=PLACE, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
