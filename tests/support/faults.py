"""Faults of an answer to a hostile request (tests.support.hostile)."""

import gzip
import re

# Whoever finds one of these as it is in an answer has found what an attacker is after.
TAG, ATTRIBUTE, HEADER = b"<zq", b'" onzq=', b"x-zq:"
# An answer leads on by a path alone, whatever the sender's host, address or field named. Only where two slashes in
# a row become one does it name a host, the portal's own.
ELSEWHERE = re.compile(
    rb"^(?:location|hx-redirect|hx-push-url): *+(?!/(?![/\\])|https?://portal\.test/(?![/\\]))",
    re.MULTILINE,
)


def faults_of(answer: bytes) -> list[str]:
    """Name what must not be in the answer to a hostile request."""
    head, _, body = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n").partition(b"\r\n\r\n")
    status = head.split(b" ")[1:2]
    found = []
    if not head.startswith(b"HTTP/1.") or not status or not status[0].isdigit():
        return [f"no answer: {answer[:100]!r}"]
    if int(status[0]) >= 500:
        found.append(f"status {int(status[0])}")
    if any(line.startswith(HEADER) for line in head.lower().split(b"\n")):
        found.append("a header of the sender's")
    if ELSEWHERE.search(head.lower()):
        found.append("leads elsewhere")
    if b"\ncontent-type: text/plain" not in head.lower():
        found += [f"raw markup {mark!r}" for mark in (TAG, ATTRIBUTE) if mark in plain(head, body)]
    if b"Traceback" in body:
        found.append("a traceback")
    return found


def plain(head: bytes, body: bytes) -> bytes:
    """Return a body as its reader has it."""
    chunked = b"transfer-encoding: chunked" in head.lower()
    if chunked:
        whole, rest = b"", body
        while size := int(rest.partition(b"\r\n")[0] or b"0", 16):
            rest = rest.partition(b"\r\n")[2]
            whole, rest = whole + rest[:size], rest[size + 2 :]
        body = whole
    return gzip.decompress(body) if b"content-encoding: gzip" in head.lower() and body else body
