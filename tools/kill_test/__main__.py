"""Kill workers at random moments, and count what the mail server took: ``python -m tools.kill_test``.

It plays on an SQLite file and on a PostgreSQL server of its own, or on the database of --database.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from tests.support import postgres
from tools.kill_test.people import populate
from tools.kill_test.playing import database, play
from tools.kill_test.scenes import SCENES
from webapp import worker
from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.mail.inbox import InboxTransport
from webapp.models import db
from webapp.models.transactions import writing

DATABASES = ("sqlite", "postgresql")


def main() -> int:
    """Play the scenes; return 1 if something happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tools.kill_test", description=__doc__)
    parser.add_argument(
        "--database", help="sqlite, postgresql, or the URL of an empty database with the tables"
    )
    parser.add_argument("--scene", default="", help="only scenes whose name contains this")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="0.1: a tenth of mails and signals"
    )
    options = parser.parse_args()
    scenes = [scene.scaled(options.scale) for scene in SCENES if options.scene in scene.name]
    failed = False
    for name in [options.database] if options.database else DATABASES:
        with tempfile.TemporaryDirectory(prefix="renewal-portal-kills-") as path:
            folder = Path(path)
            # PostgreSQL runs as another user when this runs as root.
            folder.chmod(0o711)
            with prepared(name, folder) as url:
                app = loaded(url, folder)
                for scene in scenes:
                    verdict = play(app, scene)
                    print(f"{url.partition(':')[0].partition('+')[0]:10}  {verdict}", flush=True)
                    failed = failed or bool(verdict.failures)
    return int(failed)


@contextmanager
def prepared(name: str, folder: Path) -> Iterator[str]:
    """Prepare a database with the portal's tables, and yield its URL."""
    if name == "sqlite":
        url = f"sqlite:///{folder}/portal.db"
        make_tables(url, folder)
        yield url
    elif name == "postgresql":
        server = postgres.start(folder)
        try:
            with server.database() as url:
                make_tables(url, folder)
                yield url
        finally:
            postgres.stop(folder)
    else:
        yield name


def make_tables(url: str, folder: Path) -> None:
    app = create_app(settings(url, folder))
    with database(app):
        upgrade()


def settings(url: str, folder: Path) -> Settings:
    """Make settings for workers that rest little and log only errors."""
    return Settings(
        database_url=url,
        instance_path=str(folder),
        secret_key="a key of this run alone, long enough",
        # Each scene has its own server.
        mail_url="smtp://127.0.0.1",
        worker_seconds=1,
        log_level="ERROR",
    )


def loaded(url: str, folder: Path) -> Flask:
    """Make the app with all that a round needs in memory, so that forked children begin at once."""
    app = create_app(settings(url, folder))
    writing.set(True)
    with database(app):
        populate(6, insistent=False, troubled=False, poisoned=False)
    with database(app):
        server = InboxTransport(db.engine)
    worker.once(app, transport=server)
    with database(app):
        # Otherwise each child's first collection copies the memory that it shares with its parent.
        gc.freeze()
        return app


if __name__ == "__main__":
    sys.exit(main())
