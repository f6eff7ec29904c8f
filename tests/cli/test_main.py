"""The console script: what it lists, and what its commands do without."""

import subprocess
import sys
from pathlib import Path

from tests.support import run

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import atexit, sys
from webapp.app import main
atexit.register(lambda: print(*sys.modules, sep="\\n"))
sys.argv[0] = "portal"
main()
"""


def portal(folder: Path, *arguments: str) -> list[str]:
    """Run ``portal``; return the lines it prints, and below them the names of the modules it has imported."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env=run.environment(PORTAL_INSTANCE_PATH=str(folder)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_an_own_command_imports_no_commands_of_libraries(tmp_path):
    assert not {"alembic", "rich", "waitress"} & set(portal(tmp_path, "import", "--help"))


def test_developers_have_the_commands_of_libraries_too(tmp_path):
    lines = portal(tmp_path, "--help")
    names = {line.split()[0] for line in lines if line.startswith("  ") and line.split()}
    assert {"db", "import", "init", "routes"} <= names
    assert "limiter" not in names
    assert any("revision" in line for line in portal(tmp_path, "db", "--help"))
