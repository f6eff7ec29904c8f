"""Copies of the sources in which a test adds something and then runs tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support import run

ROOT = Path(__file__).parent.parent.parent
SOURCES = (
    *("babel.cfg", "migrations", "setup.cfg", "static", "templates", "tests", "tools"),
    *("translations", "webapp"),
)


def in_copy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a copy."""
    # PYTHONPATH comes before the environment's own link to the sources.
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def run_tests(folder: Path, *paths: str) -> None:
    """Run files of tests in a copy, and show their output if one fails."""
    files = [f"tests/{path}" for path in paths]
    result = in_copy(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    assert result.returncode == 0, result.stdout + result.stderr


def copy_of_sources(name: str, *additions: Callable[[Path], None]) -> Path:
    """Make a copy of the sources with additions, once a run."""
    folder = run.folder() / name
    with run.alone():
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            draft.mkdir()
            for source in (ROOT / part for part in SOURCES):
                if source.is_dir():
                    # What is compiled comes along, but for what another process is just writing.
                    ignored = shutil.ignore_patterns("*.pyc.*")
                    shutil.copytree(source, draft / source.name, ignore=ignored)
                else:
                    shutil.copy(source, draft / source.name)
            for add in additions:
                add(draft)
            draft.rename(folder)
    return folder
