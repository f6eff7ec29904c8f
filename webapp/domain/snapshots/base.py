"""The shared part of all snapshots, and their JSON form with a version.

Snapshots of early versions of the portal have no number and are read as version 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, Self

from webapp.domain.recipients import Reason

VERSION = 2
# Python's own errors for JSON of another shape.
UNREADABLE = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)


class SnapshotError(ValueError):
    """Raised for a stored snapshot that can't be read."""


class Gist(NamedTuple):
    """The reasons of one reader for a mail, and the subscriptions that it is about."""

    reasons: tuple[Reason, ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The shared part of all kinds. ``recipient``: the reader's name. ``test``: all of it is made up.

    A kind adds its fields, and a ``read`` of its own.
    """

    recipient: str
    test: bool = False

    def to_json(self) -> dict[str, Any]:
        stored: dict[str, Any] = as_json_value(self)
        return {"version": VERSION} | stored

    @property
    def renewal_on(self) -> date | None:
        """The last renewal date that the mail speaks of; None if it speaks of none."""
        return None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the JSON of ``to_json``, of this or an earlier version. Raises SnapshotError."""
        version = stored.get("version", 1)
        if version not in (1, VERSION):
            raise SnapshotError(
                f"a snapshot of version {version}: this portal reads 1 to {VERSION}"
            )
        whole = stored if version == VERSION else cls.upgraded(stored)
        try:
            return cls.read(whole)
        except UNREADABLE as error:
            raise SnapshotError(f"{cls.__name__}: {error!r}") from error

    @classmethod
    def told(cls, stored: Mapping[str, Any], user_id: int) -> Gist:
        """Read only as much as a list shows of a mail, of any version; nothing of an unreadable one.

        The reasons are empty if the kind has only one reader and reason.
        """
        try:
            known = stored.get("version", 1) in (1, VERSION)
            return cls.read_told(stored, user_id) if known else Gist()
        except UNREADABLE:
            return Gist()

    @classmethod
    def read_told(cls, stored: Mapping[str, Any], user_id: int) -> Gist:
        """Read what the kind tells. Raises Python's own errors for fields of another type."""
        return Gist()

    @classmethod
    def upgraded(cls, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Turn the JSON of version 1 into that of this version."""
        return stored

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Give each field its type. Raises Python's own errors for fields of another type."""
        return cls(recipient=text(stored, "recipient"), test=is_test(stored))


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody named in a mail, or in its headers."""

    name: str
    email: str

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(text(stored, "name"), text(stored, "email"))


@dataclass(frozen=True, slots=True)
class PartnerName:
    """The partner that a mail comes from."""

    id: int
    name: str

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        return cls(number(stored, "id"), text(stored, "name"))


def is_test(stored: Mapping[str, Any]) -> bool:
    return stored.get("test") is True


def text(stored: Mapping[str, Any], key: str) -> str:
    """Read a field that must be a text. Raises KeyError or TypeError."""
    if not isinstance(value := stored[key], str):
        raise TypeError(f"{key} is no text")
    return value


def number(stored: Mapping[str, Any], key: str) -> int:
    """Read a field that must be a whole number. Raises KeyError or TypeError."""
    if not isinstance(value := stored[key], int):
        raise TypeError(f"{key} is no number")
    return value


def as_json_value(value: Any) -> Any:
    """Turn a value into JSON: codes and dates as text, amounts with two places, dataclasses by field."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, tuple):
        return [as_json_value(element) for element in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json_value(getattr(value, field.name)) for field in fields(value)}
    return value
