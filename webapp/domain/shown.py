"""A form's token of what it showed: saving compares it with what is stored."""

from collections.abc import Mapping
from hashlib import blake2s


def token_of(values: Mapping[str, object]) -> str:
    """Make the token of named values: a short digest of each.

    A value counts as its text, so that a date is the same as the audit trail's writing of it, and None the
    same as nothing written.
    """
    return ".".join(digest(name, values[name]) for name in sorted(values))


def changed_since(token: str, values: Mapping[str, object]) -> set[str]:
    """Name the values that the form with this token did not show. It may have shown others besides."""
    shown = set(token.split("."))
    return {name for name, value in values.items() if digest(name, value) not in shown}


def digest(name: str, value: object) -> str:
    text = "" if value is None else str(value)
    return blake2s(f"{name}={text}".encode(), digest_size=5).hexdigest()
