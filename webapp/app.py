"""The front door: the portal as a WSGI app, and its command line."""

from typing import TYPE_CHECKING

from webapp.garbage import (
    OBJECTS_OF_A_START,
    keep_what_is_there,
    rarely_collected,
    seldom_collected,
)

if TYPE_CHECKING:
    from flask import Flask

    from webapp.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Make the portal as a WSGI app. Without ``settings`` it reads them from the environment.

    Raises config.SettingError, which names each setting that can't be used.
    """
    with rarely_collected(OBJECTS_OF_A_START):
        # Imported here, since all that the imports make would be looked at, too.
        from webapp import factory

        keep_what_is_there()
        app = factory.make(settings)
    seldom_collected()
    return app


def main() -> None:
    """Run the ``portal`` command."""
    with rarely_collected(OBJECTS_OF_A_START):
        from webapp.cli import main as commands
    commands.run(create_app)
