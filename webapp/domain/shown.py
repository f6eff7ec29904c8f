"""The token of the values that a form showed. Saving compares it with the stored values."""

from collections.abc import Mapping
from hashlib import blake2s


def token_of(values: Mapping[str, object]) -> str:
    """Make the token of named values: a short digest of each.

    Values count by their text. So a date equals its text in the audit trail, and None equals an empty text.
    """
    return ".".join(digest(name, values[name]) for name in sorted(values))


def changed_since(token: str, values: Mapping[str, object]) -> set[str]:
    """Name the values that a form with this token showed differently. It may have shown others besides."""
    shown = set(token.split("."))
    return {name for name, value in values.items() if digest(name, value) not in shown}


def digest(name: str, value: object) -> str:
    text = "" if value is None else str(value)
    return blake2s(f"{name}={text}".encode(), digest_size=5).hexdigest()
