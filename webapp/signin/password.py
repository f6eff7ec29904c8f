"""Passwords: hashed with argon2id. Verifying takes the same time if there is none.

Both take long on purpose, so call them outside of a transaction that holds SQLite's write lock.
"""

import secrets
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST_PASSWORD = 10
# Longer passwords would only cost the server time.
LONGEST_PASSWORD = 200


@cache
def hasher() -> "PasswordHasher":
    # Imported here, since a session lasts for days, and whoever comes by another door has no password.
    from argon2 import PasswordHasher

    return PasswordHasher()


def hash_password(password: str) -> str:
    return hasher().hash(password)


@cache
def nobodys_hash() -> str:
    """Make a stand-in hash for unknown addresses, so that their answer takes as long."""
    return hasher().hash(secrets.token_urlsafe(24))


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password matches the stored hash. Without a hash none does."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        right = hasher().verify(stored or nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None
