"""Two-step verification in tests: a phone whose app shows codes, and recovery codes with few hashes."""

from datetime import UTC, datetime

import pyotp
from flask import Flask

from tests.support.cast import let_in, unit_of_work
from webapp.models import User, db
from webapp.services.accounts import second_factor
from webapp.signin import password

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
RECOVERY = "4821 0937 5526 7104"


def turn_on(app: Flask, user_id: int, *recovery: str) -> None:
    """Give a user's login the app with KEY, whose code of two steps ago was used, and these recovery codes."""
    hashes = [password.hash_password(code.replace(" ", "")) for code in recovery]
    with unit_of_work(app):
        login = let_in(db.session.get_one(User, user_id))
        second_factor.set_up(login, KEY, step() - 2, hashes)


def step() -> int:
    return int(datetime.now(UTC).timestamp()) // 30


def code(steps_ago: int = 0, key: str = KEY) -> str:
    """Read the phone, as it showed the code so many steps of 30 seconds ago."""
    return pyotp.TOTP(key).at((step() - steps_ago) * 30)
