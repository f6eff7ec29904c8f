"""A partner's own words in its mails, as part of their snapshots."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from webapp.domain.snapshots.base import text

# The lines of a text; an empty one stands between paragraphs.
Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """A partner's own parts of a mail to its clients, in one language.

    Without an ``introduction`` or a ``signature`` the standard text stands there. ``legal``: the company data that a
    business letter must have. ``reply_to``: the address for answers, if it is not the point of contact's.
    """

    introduction: Lines = ()
    signature: Lines = ()
    legal: Lines = ()
    reply_to: str | None = None
    privacy_url: str | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Read a letterhead; an empty mapping is that of a mail from before there were any."""
        return cls(
            introduction=lines(stored, "introduction"),
            signature=lines(stored, "signature"),
            legal=lines(stored, "legal"),
            reply_to=stored.get("reply_to"),
            privacy_url=stored.get("privacy_url"),
        )


NO_LETTERHEAD = Letterhead()


@dataclass(frozen=True, slots=True)
class TextToForward:
    """The language of a mail for action's text to the client, and the partner's own introduction in it."""

    language: str
    introduction: Lines

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(text(stored, "language"), lines(stored, "introduction"))


# A partner's, by language.
Letterheads = Mapping[str, Letterhead]


def in_language(letterheads: Letterheads, language: str) -> Letterhead:
    """Choose the letterhead of a language; nothing of the partner's own in one that the portal does not have."""
    return letterheads.get(language, NO_LETTERHEAD)


def lines(stored: Mapping[str, Any], key: str) -> Lines:
    """Read the lines of a text. Raises TypeError."""
    found = tuple(stored.get(key, ()))
    if not all(isinstance(line, str) for line in found):
        raise TypeError(f"{key} has lines that are no text")
    return found
