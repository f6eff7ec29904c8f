"""The wheel is whole: installed without the sources it serves a page in each language."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = (
    *("webapp", "migrations", "static", "templates", "translations"),
    *("setup.cfg", "pyproject.toml", "README.md", "LICENSE"),
)
# Runs far from the sources; the environment's own link to them comes after the folder in PYTHONPATH.
PROGRAM = """
import re
import sys
import webapp
from webapp.app import create_app
from webapp.config import Settings

assert webapp.__file__.startswith(sys.argv[1]), webapp.__file__
app = create_app(Settings(instance_path="instance", secret_key="x" * 40))
assert app.test_cli_runner().invoke(args=["init"]).exit_code == 0
client = app.test_client()
for language in ("en", "pl", "pt"):
    answer = client.get("/sign-in", query_string={"lang": language}, follow_redirects=True)
    assert answer.status_code == 200, answer.status
    print(answer.text)
files = re.findall('"(/static/[^"#]+)"', answer.text)
assert len(files) >= 4, files
for file in files:
    with client.get(file, headers={"Accept-Encoding": "br"}) as answer:
        assert answer.headers["Content-Encoding"] == "br", file
"""


def run(*command: str | Path, **options: object) -> str:
    result = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stderr
    return str(result.stdout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Built from a copy: setuptools leaves files beside what it builds, and would find old ones there again.
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "sources" / name)
        else:
            shutil.copy(ROOT / name, folder / "sources")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    options = ("--quiet", "--no-deps", "--no-index")
    build = (*options, "--no-build-isolation", "--wheel-dir", folder)
    run(*pip, "wheel", *build, folder / "sources")
    run(*pip, "install", *options, "--target", folder / "installed", *folder.glob("*.whl"))
    return folder / "installed"


def test_installed_wheel_serves_every_language(installed: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    pages = run(sys.executable, "-c", PROGRAM, str(installed), cwd=tmp_path, env=environment)
    for text in ("Skip to content", "Przejdź do treści", "Ir para o conteúdo principal"):
        assert text in pages


def test_wheel_holds_migrations_and_templates(installed: Path) -> None:
    missing = [
        name
        for folder in ("migrations", "templates")
        for name in (
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        )
        if not (installed / "webapp" / name).exists()
    ]
    assert missing == []
