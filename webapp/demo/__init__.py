"""The whole demo: its commands, pages, people, clock, inbox and story.

Only the app imports it, and only in demo mode.
"""

from collections.abc import Callable, Mapping

from flask import Flask

from webapp.demo import commands, pages
from webapp.models import db
from webapp.services import installation


def prepare(app: Flask, work: Callable[[Flask], Mapping[str, int]]) -> None:
    """Refuse real data, and add the demo's pages and commands to the app.

    ``work`` is the worker's round, for the clock. Raises config.SettingError.
    """
    with app.app_context():
        try:
            installation.refuse_other_data()
        finally:
            # A server that forks later must not share a connection.
            db.engine.dispose()
    app.extensions["demo_work"] = lambda: work(app)
    app.register_blueprint(pages.blueprint)
    app.context_processor(lambda: {"demo_bar": pages.bar, "demo_people": pages.people_by_partner})
    app.cli.add_command(commands.demo_group)
