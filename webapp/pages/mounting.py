"""The path below which the portal lies, which is that of the base URL, whatever stands in front of the portal."""

from collections.abc import Iterable
from urllib.parse import unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask

from webapp.config import SettingError
from webapp.pages import statics

# The key of a request's whole path as it came, in its environment.
CAME = "portal.came"


def prepare(app: Flask) -> None:
    """Put the portal below its path. Raises SettingError if some of its own pages begin like that."""
    path = unquote(app.config["PORTAL"].path)
    pages = [statics.PREFIX, *(rule.rule for rule in app.url_map.iter_rules())]
    # Else nobody could tell a page below the path from that page with the path taken off by a proxy.
    if path and any(f"{page}/".startswith(f"{path}/") for page in pages):
        raise SettingError(
            f"PORTAL_BASE_URL must not have the path {path}, since pages of the portal itself begin so"
        )
    # It would redirect, too, to an absolute address.
    app.url_map.merge_slashes = False
    app.wsgi_app = below(path, app.wsgi_app)  # type: ignore[assignment, method-assign]


def below(path: str, app: WSGIApplication) -> WSGIApplication:
    """Serve an app below a path, though a proxy may take it off, or pass it on, or a host app be mounted there.

    No header has a say in it: whoever asks could send it.
    """
    # As servers write it (PEP 3333).
    root = path.encode().decode("latin-1")
    inside = f"{root}/"

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        came = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        if root and (came == root or came.startswith(inside)):
            environ["PATH_INFO"] = came[len(root) :]
        # Else the library would redirect to the first page, at the absolute address by which a proxy knows it.
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        environ["SCRIPT_NAME"] = root
        environ[CAME] = came
        return app(environ, start_response)

    return serve
