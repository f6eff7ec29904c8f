"""The people of the cast as services are handed them, inside the test's own context."""

from typing import Any

import pytest
from flask import Flask

from tests.support.cast import Cast
from webapp.models import User, db


def person(name: str) -> Any:
    """Make the fixture of one of the cast."""

    @pytest.fixture(name=name)
    def load(context: Flask, cast: Cast) -> User:
        return db.session.get_one(User, getattr(cast, name))

    return load


alice, bob, dana, dave = map(person, ("alice", "bob", "dana", "dave"))
