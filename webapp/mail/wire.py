"""A message as bytes: headers safe from smuggled lines, and two 7-bit parts.

The standard library's EmailMessage is not used. On Python 3.11 it drops the rest of an address header
after a long word, decodes names that merely look encoded, and takes a random boundary.
"""

import binascii
import re
from collections.abc import Iterable
from functools import lru_cache

from webapp.domain.refusals import Refusal
from webapp.domain.snapshots import Party
from webapp.mail.addresses import AddressError, one_line

ADDRESS = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")
HEADER_VALUE = re.compile(r"[ -~]+(?:\r\n [ -~]+)*")
PLAIN_LENGTH = 60
# RFC 2047 wants no longer line where a word is encoded. The longest name of a header for people takes ten.
LINE = 76
FOLD = "\r\n "
ROOM = LINE - len("Reply-To: ")
# So many bytes at most, encoded, fit on the line of a header with its name. A piece ends between characters.
PIECE = re.compile(rb".{1,39}(?![\x80-\xbf])", re.DOTALL)
# Quoted-printable writes "=" as "=3D", so this can't occur inside a part.
BOUNDARY = "=_portal"


@lru_cache(maxsize=4096)
def unstructured(text: str) -> str:
    """Write unstructured text such as a subject: as it is if possible, else in encoded words."""
    line = one_line(text)
    if line.isascii() and "=?" not in line and len(line) <= PLAIN_LENGTH:
        return line
    return FOLD.join(map(encoded_word, PIECE.findall(line.encode())))


def encoded_word(piece: bytes) -> str:
    """Write a piece of UTF-8 for a header (RFC 2047)."""
    return f"=?utf-8?b?{binascii.b2a_base64(piece, newline=False).decode()}?="


@lru_cache(maxsize=4096)
def mailbox(party: Party) -> str:
    """Write ``"Name" <address>``, on two lines if need be.

    Raises AddressError for an address that never passed normalise().
    """
    if not ADDRESS.fullmatch(party.email):
        raise AddressError(Refusal.ADDRESS_SPELLING)
    name = unstructured(party.name)
    if not name:
        return party.email
    if not name.startswith("=?"):
        name = '"' + name.replace("\\", r"\\").replace('"', r"\"") + '"'
    # The last line of the name may be followed by the address and a comma.
    length = len(name.rpartition("\r\n")[2]) + len(party.email) + len(" <>,")
    return f"{name}{' ' if length <= ROOM else FOLD}<{party.email}>"


def mailboxes(parties: Iterable[Party]) -> str:
    """Write one address a line, so that no folding is left to chance."""
    return f",{FOLD}".join(map(mailbox, parties))


def header(name: str, value: str) -> bytes:
    """Write one header line. Raises ValueError rather than let a value begin another header."""
    if not HEADER_VALUE.fullmatch(value):
        raise ValueError(f"not a value for the header {name}")
    return f"{name}: {value}\r\n".encode("ascii")


def part(content_type: str, text: str) -> bytes:
    lines = "\r\n".join(text.splitlines()) + "\r\n"
    return (
        f"--{BOUNDARY}\r\n"
        f"Content-Type: {content_type}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii") + binascii.b2a_qp(lines.encode(), istext=True)


def message(headers: Iterable[tuple[str, str]], text: str, html: str) -> bytes:
    """Write the whole message with CRLF line ends: plain text, and the same as HTML."""
    structure = (
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{BOUNDARY}"'),
    )
    return b"".join(
        (
            *(header(name, value) for name, value in (*headers, *structure)),
            b"\r\n",
            part("text/plain", text),
            part("text/html", html),
            f"--{BOUNDARY}--\r\n".encode("ascii"),
        )
    )
