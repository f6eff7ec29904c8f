"""All kinds of mail: each code of MailKind has a module of that name here, whose ``KIND`` says the rest."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from flask_babel import force_locale

from webapp.domain.snapshots import Snapshot, SnapshotError
from webapp.mail.kind import KindOfMail, Tester
from webapp.models import MailKind

KINDS: Mapping[MailKind, KindOfMail[Any]] = MappingProxyType(
    {code: import_module(f"{__name__}.{code.value}").KIND for code in MailKind}
)


def read(kind: MailKind, stored: Mapping[str, Any]) -> Snapshot:
    """The snapshot that a delivery of this kind has stored. Raises SnapshotError."""
    snapshot: Snapshot = KINDS[kind].snapshot.from_json(stored)
    return snapshot


def read_or_none(kind: MailKind, stored: Mapping[str, Any]) -> Snapshot | None:
    """The same; None where it can't be read, so that one mail takes no others with it."""
    try:
        return read(kind, stored)
    except SnapshotError:
        return None


def sample(kind: MailKind, tester: Tester) -> Snapshot:
    """Make up what a test mail of a kind tells."""
    with force_locale(tester.language):
        snapshot: Snapshot = replace(KINDS[kind].sample(tester), test=True)
        return snapshot
