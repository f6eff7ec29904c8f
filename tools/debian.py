"""Bring the programs of Debian that `make interop` starts: `python -m tools.debian`.

None of them is started by being installed: while dpkg works, its own switch for that (policy-rc.d) forbids it.
Two mail servers can't be installed side by side, so one is unpacked into the environment's folder.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.browser import administrator

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests/interop/debian.txt"
UNPACKED = ROOT / ".venv/debian"
# invoke-rc.d asks this program whether a server may be started; 101 is "no".
POLICY = Path("/usr/sbin/policy-rc.d")
FORBID = "#!/bin/sh\nexit 101\n"


def wanted() -> list[list[str]]:
    """Read the list: the words of each line that is no comment."""
    lines = LIST.read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def is_installed(package: str) -> bool:
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(asked, capture_output=True, text=True).stdout == "installed"


@contextmanager
def nothing_starts(prefix: list[str]) -> Iterator[None]:
    """Forbid the start of servers, unless the system has its own word about that."""
    if POLICY.exists():
        yield
        return
    with TemporaryDirectory() as folder:
        draft = Path(folder) / POLICY.name
        draft.write_text(FORBID)
        subprocess.run([*prefix, "install", "--mode=755", draft, POLICY], check=True)
        try:
            yield
        finally:
            subprocess.run([*prefix, "rm", POLICY], check=True)


def install(packages: list[str], prefix: list[str]) -> None:
    """Install packages, with nothing but what they need."""
    quietly = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*quietly, "update"], check=True)
    with nothing_starts(prefix):
        options = ["--yes", "--no-install-recommends"]
        subprocess.run([*quietly, "install", *options, *packages], check=True)


def unpack(package: str, user: str, prefix: list[str]) -> None:
    """Unpack a package's files, and make the user of the system that its programs look for."""
    if subprocess.run(["getent", "passwd", user], capture_output=True).returncode:
        options = [
            "--system",
            "--user-group",
            "--home-dir=/nonexistent",
            "--shell=/usr/sbin/nologin",
        ]
        subprocess.run([*prefix, "useradd", *options, user], check=True)
    UNPACKED.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        # In a folder that only this user may enter.
        as_this_user = ["-o", "APT::Sandbox::User=root"]
        subprocess.run(
            ["apt-get", "-qq", *as_this_user, "download", package], cwd=folder, check=True
        )
        (archive,) = Path(folder).glob("*.deb")
        subprocess.run(["dpkg", "--extract", archive, UNPACKED / package], check=True)


def main() -> int:
    prefix = administrator()
    if prefix is None or not shutil.which("apt-get"):
        print("this wants a Debian, and a user who may install packages", file=sys.stderr)
        return 1
    lines = wanted()
    missing = [line[0] for line in lines if len(line) == 1 and not is_installed(line[0])]
    if missing:
        install(missing, prefix)
    for _, user, package in (line for line in lines if line[0] == "unpacked"):
        if not (UNPACKED / package).exists():
            unpack(package, user, prefix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
