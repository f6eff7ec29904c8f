"""The files of a theme, held in memory and answered as the static files are."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor, brotli_installed
from whitenoise.responders import NOT_ALLOWED_RESPONSE, Response

from webapp import config
from webapp.theme import reading

# Opened by itself, a drawing is a page: it runs nothing and loads nothing, whatever was overlooked in it.
ALONE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'"
)
HEADERS = {
    reading.STYLESHEET: {"Content-Type": "text/css; charset=utf-8"},
    reading.LOGO: {"Content-Type": "image/svg+xml", "Content-Security-Policy": ALONE},
}


class HeldFile:
    """A file in memory, also compressed. WhiteNoise asks it for an answer as it asks those on disk."""

    def __init__(self, content: bytes, headers: Mapping[str, str]) -> None:
        forms: dict[str | None, bytes] = {None: content, "gzip": Compressor.compress_gzip(content)}
        if brotli_installed:
            forms["br"] = Compressor.compress_brotli(content)
        self.forms = sorted(forms.items(), key=lambda form: len(form[1]))
        self.tag = f'"{digest(content)}"'
        self.headers = {**headers, "Vary": "Accept-Encoding", "ETag": self.tag}

    def get_response(self, method: str, environ: Mapping[str, Any]) -> Response:
        if method not in ("GET", "HEAD"):
            return NOT_ALLOWED_RESPONSE
        if environ.get("HTTP_IF_NONE_MATCH") == self.tag:
            return Response(HTTPStatus.NOT_MODIFIED, self.headers.items(), None)
        accepted = environ.get("HTTP_ACCEPT_ENCODING", "")
        encoding, content = next(
            (encoding, content)
            for encoding, content in self.forms
            if encoding is None or encoding in accepted
        )
        own = {"Content-Length": str(len(content))}
        if encoding:
            own["Content-Encoding"] = encoding
        body = BytesIO(content) if method == "GET" else None
        return Response(HTTPStatus.OK, (self.headers | own).items(), body)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def of_theme(path: str) -> dict[str, bytes]:
    """Read the files of the theme in a folder, by name. Raises config.SettingError."""
    try:
        return reading.read(Path(path)).files
    except reading.UnfitTheme as error:
        raise config.SettingError(f"{config.variable('theme_path')}: {error}") from None


def served_name(name: str, content: bytes) -> str:
    """Put the content's hash into a file's name: ``theme.css`` → ``theme.0a1b2c3d4e5f.css``."""
    stem, suffix = name.rsplit(".", 1)
    return f"{stem}.{digest(content)}.{suffix}"
