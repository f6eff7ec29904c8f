"""Passwords: hashed with argon2id, verified in the same time whether or not there is one.

Both take long on purpose: call them outside of a transaction that holds SQLite's write lock.
"""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST_PASSWORD = 10
# Longer ones would only cost the server time.
LONGEST_PASSWORD = 200

hasher = PasswordHasher()


def hash_password(password: str) -> str:
    return hasher.hash(password)


@cache
def nobodys_hash() -> str:
    """Make a hash that stands in for an unknown e-mail's, so that the answer takes as long."""
    return hasher.hash(secrets.token_urlsafe(24))


def verify(stored: str | None, password: str) -> bool:
    """Tell whether this is the password of the stored hash; without a hash no password is right."""
    try:
        right = hasher.verify(stored or nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None
