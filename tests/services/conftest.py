"""The people of the cast as services are handed them, inside the test's own context."""

import pytest
from flask import Flask

from tests.support.cast import Cast
from webapp.models import User, db


@pytest.fixture
def alice(context: Flask, cast: Cast) -> User:
    return db.session.get_one(User, cast.alice)


@pytest.fixture
def bob(context: Flask, cast: Cast) -> User:
    return db.session.get_one(User, cast.bob)


@pytest.fixture
def dana(context: Flask, cast: Cast) -> User:
    return db.session.get_one(User, cast.dana)


@pytest.fixture
def dave(context: Flask, cast: Cast) -> User:
    return db.session.get_one(User, cast.dave)
