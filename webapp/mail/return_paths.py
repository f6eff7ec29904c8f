"""Return paths: an envelope sender of its own for each mail, to which a server sends its report if that bounces.

``bounces@portal.example`` becomes ``bounces+<id>.<signature>@portal.example``. Only who has the installation's seed can
make the signature. It covers the Message-ID, too: after a restored backup another mail may have the same id.
"""

import base64
import hmac
import re
from typing import NamedTuple

# 80 bits in lower case, since some servers fold the case of a local part.
SIGNATURE = 16
BEHIND_NAME = r"\+(?P<id>[0-9]{1,18})\.(?P<signature>[a-z2-7]{16})@"


class ReturnPath(NamedTuple):
    """The return path of a mail, as it says itself: the delivery's id, and the proof."""

    id: int
    signature: str


def sign(seed: str, id: int, message_id: str) -> str:
    """Make the signature of one mail. ``seed``: the installation's, in hexadecimal."""
    digest = hmac.digest(bytes.fromhex(seed), f"{id} {message_id}".encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:SIGNATURE]


def is_signed(seed: str, path: ReturnPath, message_id: str) -> bool:
    return hmac.compare_digest(path.signature, sign(seed, path.id, message_id))


def make(bounce_address: str, seed: str, id: int, message_id: str) -> str:
    """Make the envelope sender of one mail. It is the same when the mail is sent again."""
    name, _, domain = bounce_address.partition("@")
    return f"{name}+{id}.{sign(seed, id, message_id)}@{domain}"


def find(bounce_address: str, text: str) -> ReturnPath | None:
    """Find a return path in a header or an address. The domain may be another: servers rewrite it on the way."""
    name = bounce_address.partition("@")[0].lower()
    found = re.search(rf"(?<![\w.+-]){re.escape(name)}{BEHIND_NAME}", text.lower())
    return ReturnPath(int(found["id"]), found["signature"]) if found else None
