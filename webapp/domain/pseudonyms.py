"""Pseudonyms: what stands in stored rows instead of the names and addresses of somebody who was erased."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# Ends in a domain that can't exist (RFC 2606).
NO_MAILBOX = "erased.invalid"


def name_for(id: int) -> str:
    """Make the name of an erased person or client. It belongs to no language."""
    return f"#{id}"


def address_for(user_id: int) -> str:
    """Make the address of an erased person, where no mail arrives."""
    return f"{user_id}@{NO_MAILBOX}"


@dataclass(frozen=True)
class Pseudonyms:
    """The texts to replace. ``names``: whole texts as they are stored. ``addresses``: case-folded."""

    names: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def together(cls, several: Iterable["Pseudonyms"]) -> "Pseudonyms":
        names: dict[str, str] = {}
        addresses: dict[str, str] = {}
        for one in several:
            names |= one.names
            addresses |= one.addresses
        return cls(names, addresses)

    def put_into(self, value: Any) -> Any:
        """Return a JSON value in which each text that is such a name or address is replaced."""
        if isinstance(value, dict):
            return {key: self.put_into(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.put_into(part) for part in value]
        if isinstance(value, str):
            return self.names.get(value) or self.addresses.get(value.casefold()) or value
        return value

    def put_into_text(self, text: str) -> str:
        """Replace the addresses amid a text, such as a mail server's reply."""
        if not self.addresses:
            return text
        return self.pattern.sub(lambda found: self.addresses[found[0].casefold()], text)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.addresses, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
