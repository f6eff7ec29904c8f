"""All kinds of mail. Each code of MailKind has a module of its name here, with the object ``KIND``."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any

from flask_babel import force_locale

from webapp.domain.snapshots import Gist, Snapshot, SnapshotError
from webapp.mail.kind import KindOfMail, Tester
from webapp.models import MailKind

KINDS: Mapping[MailKind, KindOfMail[Any]] = MappingProxyType(
    {code: import_module(f"{__name__}.{code.value}").KIND for code in MailKind}
)


def read(kind: MailKind, stored: Mapping[str, Any]) -> Snapshot:
    """Read the stored snapshot of a delivery of this kind. Raises SnapshotError."""
    snapshot: Snapshot = KINDS[kind].snapshot.from_json(stored)
    return snapshot


def read_or_none(kind: MailKind, stored: Mapping[str, Any]) -> Snapshot | None:
    """Read a stored snapshot, or return None if that fails, so that one mail doesn't stop the others."""
    try:
        return read(kind, stored)
    except SnapshotError:
        return None


def told(kind: MailKind, stored: Mapping[str, Any], user_id: int) -> Gist:
    """Read what a stored snapshot tells a user in short; nothing if that fails."""
    snapshot: type[Snapshot] = KINDS[kind].snapshot
    return snapshot.told(stored, user_id)


def sample(kind: MailKind, tester: Tester) -> Snapshot:
    """Make up the snapshot of a test mail."""
    with force_locale(tester.language):
        snapshot: Snapshot = replace(KINDS[kind].sample(tester), test=True)
        return snapshot
