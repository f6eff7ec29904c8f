"""The signing of sessions, links and known devices: the keys, and the method."""

from hashlib import sha256
from typing import Any

from flask import current_app

# The library's own method is by SHA-1.
METHOD: dict[str, Any] = {"key_derivation": "hmac", "digest_method": sha256}


def keys() -> list[str]:
    """Return all keys that a signature may have, the oldest first: the last one signs."""
    return [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
