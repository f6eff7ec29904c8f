"""Compression of pages, unless another site asked for them."""

import gzip

from flask import Flask, Response, request

# An attacker who sees the length of answers, and makes a reader's browser ask again and again with chosen words, can
# guess secrets in a compressed page (BREACH). Browsers tell who asked: the reader, the portal, or another site.
ASKED_BY_US = {"none", "same-origin"}
# Shorter ones fit into one packet anyway.
SMALLEST = 1_000
# Nobody but its reader knows the address of a calendar, so nobody else makes a browser ask for it. Programs do.
PAGE, CALENDAR = "text/html", "text/calendar"
LEVEL = 6


def prepare(app: Flask) -> None:
    app.after_request(compress)


def compress(response: Response) -> Response:
    """Gzip a page or a calendar for whoever accepts it; no page if another site made a browser ask."""
    if response.mimetype not in (PAGE, CALENDAR):
        return response
    asked_by_us = (
        response.mimetype == CALENDAR or request.headers.get("Sec-Fetch-Site") in ASKED_BY_US
    )
    if asked_by_us and request.accept_encodings["gzip"] and len(response.data) >= SMALLEST:
        response.data = gzip.compress(response.data, LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response
