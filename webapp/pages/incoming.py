"""Requests as they come in: malformed ones are made readable or refused, and so are those of other sites."""

import re
import secrets
import string
from typing import IO
from urllib.parse import quote, urlsplit
from wsgiref.types import WSGIEnvironment

from flask import Request, current_app, request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadHost, BadRequest, Forbidden, SecurityError
from werkzeug.formparser import FormDataParser

SAFE = {"GET", "HEAD", "OPTIONS"}
# Browsers tell whose page made them ask: this origin's, or nobody's, as for an address that was typed in.
OUR_OWN = {"same-origin", "none"}
# What a proxy may call a request.
REQUEST_ID = re.compile(r"[\w.-]{8,64}", re.ASCII)


class OtherSite(Forbidden):
    """Raised for an unsafe request that another site made a browser send."""


class NamedParts(FormDataParser):
    """The library's parser, which takes a part without a name for a field named None."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """Parse as the library does. Raises BadRequest if a part has no name, which it must have (RFC 7578, 4.2)."""
        left, fields, files = super().parse(stream, mimetype, content_length, options)
        if None in fields or None in files:
            for _name, file in files.items(multi=True):
                file.close()
            raise BadRequest("a part of the form has no name")
        return left, fields, files


class Incoming(Request):
    """A request whose query and fields can be read, whatever was sent."""

    form_data_parser_class = NamedParts

    def __init__(self, environ: WSGIEnvironment, *given: object, **options: object) -> None:
        # Some servers let bytes through that an address can't have. They mean what browsers write for them: %FF.
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            written = quote(query.encode("latin-1"), safe=string.punctuation)
            environ = {**environ, "QUERY_STRING": written}
        super().__init__(environ, *given, **options)  # type: ignore[arg-type]


def request_id() -> str:
    """Return the id that a proxy in front has given to this request, or a new one. A stranger's own does not count."""
    given = request.headers.get("X-Request-ID", "") if current_app.config["PORTAL"].proxies else ""
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def refuse_unknown_host() -> None:
    """Refuse a host that is not ours or none at all, before anything needs an address of it. Raises HTTPException."""
    fault = request.routing_exception
    if isinstance(fault, (SecurityError, BadHost)):
        raise fault


def refuse_other_sites() -> None:
    """Refuse what changes something if another site's page made the browser ask, whatever token it has.

    Browsers say it by Sec-Fetch-Site, for any other origin, a neighbouring name of the same domain, too.
    Older ones, and those over plain http, send only the origin: it must be ours, and ``null`` is not. Who
    sends neither is no browser, or one that the token has to do for. Raises OtherSite.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    foreign = site not in OUR_OWN if site else bool(origin) and not is_ours(str(origin))
    if foreign:
        raise OtherSite()


def is_ours(origin: str) -> bool:
    """Tell whether an origin is the one that people reach the portal at.

    That is where the request itself went, or, if a proxy in front says nothing of that, the base URL's. The
    scheme behind a proxy may not be known, so it does not count.
    """
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    base = urlsplit(current_app.config["PORTAL"].base_url).netloc.lower()
    return bool(host) and host in (request.host, base)


def bearer_token() -> str:
    """Read the token of the request (RFC 6750, 2.1); empty if it has none.

    Not by the library, which fails on some headers of another kind.
    """
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
