"""The command line: ``portal``, and the same commands under ``flask --app wsgi``."""

import os
import signal
import sys
from collections.abc import Callable
from threading import Event, Thread

import click
from flask import Flask, current_app
from flask.cli import FlaskGroup, ScriptInfo, with_appcontext

from webapp import worker
from webapp.cli.bounces import bounces_group
from webapp.cli.check import check_command, check_database
from webapp.cli.deliveries import deliveries_group
from webapp.cli.evidence import evidence_command
from webapp.cli.imports import import_command
from webapp.cli.organisations import partner_group
from webapp.cli.output import unbroken
from webapp.cli.persons import person_group
from webapp.cli.reminders import reminders_group, worker_command
from webapp.cli.restoring import reconcile_command, restored_command
from webapp.cli.security_log import security_log_command
from webapp.cli.shared import CheckFailed, in_one_line, make_tables, settings_in_one_line
from webapp.cli.theme import theme_group
from webapp.cli.users import user_group
from webapp.services import installation, runtime

# A library's commands that look after nothing here.
UNLISTED = {"limiter"}
# For whoever sends slowly, too much, or never to the end. The server takes a request in before a thread works on it, so
# what is half-sent costs no thread, only one of the connections (and, if it is long, a file), for so many seconds.
SERVER_LIMITS = {
    "connection_limit": 1_000,
    "channel_timeout": 30,
    "cleanup_interval": 5,
    "max_request_header_size": 32_768,
    # Else the highest number of a socket is 1023.
    "asyncore_use_poll": True,
}
# A connection is one, and a long body another; the rest is for the database, the log and the code.
MOST_FILES = 2 * SERVER_LIMITS["connection_limit"] + 200


class Console(FlaskGroup):
    """The commands of the console script: the portal's own, and behind them those of Flask and of libraries."""

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Look among our own first: for any other one, all libraries that have commands are imported."""
        own = context.ensure_object(ScriptInfo).load_app().cli.get_command(context, name)
        return own or super().get_command(with_migrations(context), name)

    def list_commands(self, context: click.Context) -> list[str]:
        return [
            name for name in super().list_commands(with_migrations(context)) if name not in UNLISTED
        ]


def with_migrations(context: click.Context) -> click.Context:
    """Add the commands for migrations, which developers use, to the app of a context."""
    from webapp.cli import migrating

    migrating.prepare(context.ensure_object(ScriptInfo).load_app())
    return context


def run(create_app: Callable[[], Flask]) -> None:
    """Run the console script. A setting that can't be used is named, with exit code 2."""
    if sys.argv[1:2] == ["demo"]:
        # The demo's commands are in demo mode, even if the environment does not say so.
        os.environ["PORTAL_DEMO"] = "1"
    with settings_in_one_line():
        app = create_app()
    Console(create_app=lambda: app, name="portal", help="The partner portal.").main()


@click.command()
@with_appcontext
@unbroken()
def init() -> None:
    """Create the database's tables, or migrate them to this version."""
    with in_one_line():
        installation.refuse_other_data()
        make_tables()
    click.echo("The database is ready.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port to listen at.",
)
@click.option(
    "--threads",
    default=8,
    show_default=True,
    type=click.IntRange(1),
    help="The number of requests to answer at once.",
)
@with_appcontext
@unbroken()
def serve(host: str, port: int, threads: int) -> None:
    """Serve the portal with a production server; in demo mode the worker runs inside."""
    # Imported here, since every process of another server adds the commands, too.
    from waitress.server import create_server

    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        check_database()
    except CheckFailed as wrong:
        raise click.ClickException(f"The database can't be used: {wrong}.") from None
    with in_one_line():
        installation.refuse_other_data()
    try:
        # The app reads the headers of proxies, since it knows how many of them to trust. Even those that
        # it does not believe tell `portal check --public` what is in front.
        server = create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            clear_untrusted_proxy_headers=False,
            # What is a little too long gets the portal's own page, in the reader's language.
            max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],
            **SERVER_LIMITS,
        )
    except OSError as error:
        raise click.ClickException(f"Can't listen at {host}:{port}: {error.strerror}") from None
    except ValueError as error:
        # The host name has no address.
        raise click.ClickException(f"Can't listen at {host}:{port}: {error}") from None
    allow_open_files(MOST_FILES)
    settings = runtime.settings()
    stopped = Event()
    helper = Thread(target=worker.run, args=(app, stopped), name="worker")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Whoever reads the line may come at once: the server listens already.
    click.echo(f"Renewal Portal is at http://{host}:{port} (stop it with Ctrl+C)")
    if settings.demo:
        helper.start()
    try:
        server.run()
    finally:
        stopped.set()
        if settings.demo:
            helper.join()


def allow_open_files(wanted: int) -> None:
    """Let this process have so many files open, or as many as its system lets it ask for."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if resource.RLIM_INFINITY != soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


COMMANDS = (
    init,
    serve,
    partner_group,
    user_group,
    person_group,
    import_command,
    reminders_group,
    worker_command,
    deliveries_group,
    evidence_command,
    restored_command,
    reconcile_command,
    bounces_group,
    check_command,
    security_log_command,
    theme_group,
)
