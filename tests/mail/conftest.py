"""The portal for composing mails: an application context, no database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.support.cast import settings
from webapp.app import create_app
from webapp.config import Settings
from webapp.models import db


@pytest.fixture(scope="session")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("mail")
    return settings(folder, "sqlite:///portal.db", base_url="https://portal.example/renewals")


@pytest.fixture(scope="session")
def portal(chosen: Settings) -> Flask:
    return create_app(chosen)


@pytest.fixture
def composing(portal: Flask, chosen: Settings) -> Iterator[Settings]:
    """The settings, inside an application context."""
    with portal.app_context():
        yield chosen
        db.engine.dispose()
