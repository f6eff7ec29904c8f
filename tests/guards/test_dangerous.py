"""Ways in which other programs were broken into: no module goes them, but for those that say why."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted((ROOT / "webapp").rglob("*.py"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
# Those that tell the page around a frame, or the frame that opened a window, what it waits for.
SPEAKING = {"frame.js", "windows.js"}
# What starts programs, reads objects or XML, asks other servers, or guesses well. With the modules that may have it.
LIBRARIES: dict[str, set[str]] = {
    "subprocess": set(),
    "pty": set(),
    "ctypes": set(),
    "marshal": set(),
    "shelve": set(),
    # Plans of an import, in a temporary file that nobody else can open.
    "pickle": {"services/imports/shelf.py"},
    "yaml": set(),
    # The operator's own logo, without entities.
    "xml": {"theme/logo.py"},
    "lxml": set(),
    # The identity provider, at the addresses that it names itself.
    "requests": {"signin/oidc.py", "signin/provider.py"},
    "httpx": set(),
    "urllib.request": set(),
    # portal check --deploy and --public ask the portal itself, at PORTAL_BASE_URL.
    "http.client": {"cli/check_deploy.py", "cli/check_public.py"},
    # How long a mail rests before its next try; made-up companies.
    "random": {"services/sending/settling.py", "demo/acts.py"},
    "uuid": set(),
}
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "md5", "hashlib.md5"}
SINKS = {
    *("innerHTML", "outerHTML\\s*=", "insertAdjacentHTML", "document\\.write", "eval\\(", "Function\\("),
    *("localStorage", "sessionStorage", "indexedDB", "document\\.cookie", "__proto__"),
}  # fmt: skip


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "webapp"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def dangers(source: str, where: str) -> list[str]:
    """Find the libraries and calls in a module's source that it may not have."""
    tree = ast.parse(source)
    names = set(imported(tree))
    found = [
        library
        for library, allowed in LIBRARIES.items()
        if where not in allowed
        and any(one == library or one.startswith(f"{library}.") for one in names)
    ]
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return found + sorted(calls & CALLS)


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_does_what_is_dangerous(module: Path) -> None:
    assert dangers(module.read_text(encoding="utf-8"), name(module)) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import subprocess", ["subprocess"]),
        ("from xml.etree import ElementTree", ["xml"]),
        ("from urllib import request", ["urllib.request"]),
        ("import urllib.parse", []),
        ("import pickle", ["pickle"]),
        ("eval(text)", ["eval"]),
        ("re.compile(text)", []),
        ("hashlib.md5(text)", ["hashlib.md5"]),
    ],
)
def test_each_danger_is_seen(source: str, found: list[str]) -> None:
    assert dangers(source, "pages/forms.py") == found


def test_what_is_allowed_is_used() -> None:
    for library, allowed in LIBRARIES.items():
        for module in allowed:
            source = (ROOT / "webapp" / module).read_text(encoding="utf-8")
            assert library in dangers(source, "elsewhere"), (library, module)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_our_script_makes_no_markup_and_keeps_nothing(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert [sink for sink in SINKS if re.search(sink, source)] == []


def test_scripts_speak_to_named_pages_alone() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS}
    assert {one for one, source in sources.items() if "postMessage" in source} == SPEAKING
    # To whoever listens: it would be a page that nobody has named.
    assert [one for one, source in sources.items() if re.search("[\"'`]\\*[\"'`]", source)] == []
    hearing = {one: source for one, source in sources.items() if '("message"' in source}
    assert set(hearing) == {"windows.js"}
    heard = re.findall(r'addEventListener\("message", \(\{ (\w+)', hearing["windows.js"])
    # Of other pages their own origin; a channel has none but ours.
    assert heard == ["origin", "data"]
    assert "if (origin !== location.origin" in hearing["windows.js"]
