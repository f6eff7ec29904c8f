"""Find a Chromium that starts. As a command: make sure that there is one.

The one without a window is preferred: it is the same engine, and opens a page in a third of the time. Debian's own
package is preferred, since it brings the libraries that a browser needs. If packages can't be installed, Playwright's
downloads are used, in the same order.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WITHOUT_WINDOW = "chromium-headless-shell"
NAMES = (WITHOUT_WINDOW, "chromium", "chromium-browser", "google-chrome")


def starts(executable: str) -> bool:
    """Tell whether the browser runs. On Ubuntu the name may be a stub that only asks for a snap."""
    try:
        return (
            subprocess.run([executable, "--version"], capture_output=True, timeout=60).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def downloaded() -> list[str]:
    """List Playwright's own Chromiums that are installed, the one without a window first."""
    with sync_playwright() as playwright:
        whole = Path(playwright.chromium.executable_path)
    folder = whole.parents[1]
    without_window = folder.name.replace("chromium", "chromium_headless_shell")
    found = [*folder.parent.glob(f"{without_window}/*/*headless?shell"), whole]
    return [str(path) for path in found if path.exists()]


def find() -> str | None:
    """Find the path of a Chromium that starts, or None."""
    of_system = filter(None, map(shutil.which, NAMES))
    return next(filter(starts, of_system), None) or next(filter(starts, downloaded()), None)


def administrator() -> list[str] | None:
    """Choose the command prefix that may install packages without a question, or None."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def install(package: str) -> None:
    """Install a package of Debian, if this user may and the system has it."""
    prefix = administrator()
    if prefix is not None and shutil.which("apt-get"):
        subprocess.run([*prefix, "apt-get", "update", "-qq"])
        subprocess.run([*prefix, "apt-get", "install", "-y", "-qq", package])


def download() -> None:
    with_libraries = ["--with-deps"] if administrator() is not None else []
    subprocess.run([sys.executable, "-m", "playwright", "install", *with_libraries, "chromium"])


def main() -> int:
    if not shutil.which(WITHOUT_WINDOW):
        install(WITHOUT_WINDOW)
    if not find():
        install("chromium")
    if not find():
        download()
    executable = find()
    if not executable:
        print("no Chromium: install one by hand, then run this again", file=sys.stderr)
        return 1
    print(f"browser: {executable}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
