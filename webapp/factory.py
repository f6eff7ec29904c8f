"""The factory: settings, extensions, blueprints, commands, error pages."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from click import Command, Context
from flask import Flask, Request, Response
from flask.cli import AppGroup
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask.templating import Environment
from flask_babel import Babel
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.engine import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import config, logs
from webapp.models import db
from webapp.models.transactions import prepare_engine
from webapp.pages import (
    access,
    account,
    api,
    archiving,
    bearers,
    calendar,
    client_details,
    communications,
    compression,
    csrf,
    dashboard,
    decisions,
    deliveries,
    errors,
    evidence,
    first_run,
    frame,
    guards,
    health,
    help,
    hindrances,
    history,
    kept,
    links,
    mail_texts,
    mails,
    metrics,
    mounting,
    oidc,
    organisations,
    own_sessions,
    personal_data,
    proxy,
    reached,
    renewal_owner,
    second_factor,
    security,
    sessions,
    signin_code,
    statics,
    todo,
    upcoming,
)
from webapp.pages.ids import RowIdConverter
from webapp.pages.incoming import Incoming
from webapp.paths import folder
from webapp.signin import cookies, signing
from webapp.templating import Catalogs, Templates

BLUEPRINTS = (
    frame.blueprint,
    links.blueprint,  # the one of webapp.pages.signin, with what links in mails do
    signin_code.blueprint,
    proxy.blueprint,
    oidc.blueprint,
    kept.blueprint,
    own_sessions.blueprint,
    organisations.blueprint,
    communications.blueprint,  # the one of webapp.pages.settings, with Partners
    first_run.blueprint,
    second_factor.blueprint,
    security.blueprint,
    access.blueprint,
    api.blueprint,
    mail_texts.blueprint,
    mails.blueprint,
    todo.blueprint,
    dashboard.blueprint,
    upcoming.blueprint,
    calendar.blueprint,
    client_details.blueprint,  # the one of webapp.pages.clients, with its tabs
    archiving.blueprint,
    personal_data.blueprint,
    evidence.blueprint,
    renewal_owner.blueprint,
    deliveries.blueprint,
    decisions.blueprint,  # the one of webapp.pages.subscriptions, with the ways to settle a renewal
    history.blueprint,
    account.blueprint,
    help.blueprint,
    health.blueprint,
    metrics.blueprint,
)


class Portal(Flask):
    """The WSGI app, with templates that speak languages."""

    jinja_environment: type[Environment] = Templates
    request_class: type[Request] = Incoming

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is: none is a coroutine. Flask looks at each, 16 times a page."""
        return func


class Commands(AppGroup):
    """The portal's commands, imported when one is asked for: a process that serves pages needs none."""

    def get_command(self, context: Context, name: str) -> Command | None:
        self.load()
        return super().get_command(context, name)

    def list_commands(self, context: Context) -> list[str]:
        self.load()
        return super().list_commands(context)

    def load(self) -> None:
        from webapp.cli import main as commands

        for command in commands.COMMANDS:
            self.add_command(command)


class OwnSession(SecureCookieSessionInterface):
    """Sessions with a cookie limited to the path at which the portal is mounted."""

    key_derivation = signing.METHOD["key_derivation"]
    digest_method = staticmethod(signing.METHOD["digest_method"])

    def __init__(self, app: Flask) -> None:
        self.signing = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs the cookies. Flask makes it anew for each request."""
        return self.signing

    def get_cookie_path(self, app: Flask) -> str:
        return cookies.path()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save it as Flask does, which adds to Vary. That is only written then, so that nobody takes it apart."""
        super().save_session(app, session, response)
        response.headers["Vary"] = frame.VARY


def make(settings: config.Settings | None) -> Flask:
    """Make the portal as ``app.create_app`` does."""
    chosen = config.checked(settings) if settings else config.load()
    require_extras(chosen)
    app = Portal(
        "webapp",
        instance_path=str(Path(chosen.instance_path).resolve()),
        static_folder=None,
        template_folder=str(folder("templates")),
    )
    app.url_map.converters["int"] = RowIdConverter
    configure(app, chosen)
    logs.prepare(app)
    if chosen.broker_url:
        # Imported here, since a portal without a task queue need not have its library.
        from webapp import tasks

        # Before the frame, since Flask calls the first of these hooks last: here, after the commit.
        tasks.prepare(app)
    # First of all, so that refusals by extensions have a request id, a language and headers, too.
    frame.prepare(app)
    sessions.prepare(app)
    bearers.prepare(app)
    hindrances.prepare(app)
    compression.prepare(app)
    statics.prepare(app)
    add_extensions(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    errors.prepare(app)
    app.cli = Commands()
    if chosen.demo:
        # Imported here, so that a portal with real data loads nothing of the demo.
        from webapp import demo, worker

        demo.prepare(app, worker.once)
    # In front of all else, since the files of pages lie below the path, too.
    mounting.prepare(app)
    guards.require_policies(app)
    return app


def require_extras(settings: config.Settings) -> None:
    """Raise SettingError, with the setting's name, if it needs a library that is not installed."""
    for name, wanted, library, extra in (
        ("database_url", settings.database_url.startswith("postgresql"), "psycopg", "scale"),
        ("broker_url", settings.broker_url, "celery", "scale"),
        ("sign_in", "oidc" in settings.sign_in, "authlib", "sso"),
        ("sign_in", "oidc" in settings.sign_in, "joserfc", "sso"),
        ("sign_in", "oidc" in settings.sign_in, "requests", "sso"),
    ):
        if wanted and find_spec(library) is None:
            raise config.SettingError(
                f"{config.variable(name)} needs {library}: pip install 'renewal-portal[{extra}]'"
            )


def configure(app: Flask, settings: config.Settings) -> None:
    """Turn the typed settings into the configuration of Flask and its extensions."""
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    newest, *earlier = settings.signing_keys or [
        own_secret_key(Path(app.instance_path) / "secret-key")
    ]
    older = earlier[::-1]
    app.config.update(
        PORTAL=settings,
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        # A list here, too, since the library knows no fallbacks.
        WTF_CSRF_SECRET_KEY=[*older, newest],
        SQLALCHEMY_DATABASE_URI=database_uri(settings, Path(app.instance_path)),
        # The database may have been started anew since a connection was last used. Errors go into the log.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True, "hide_parameters": True},
        BABEL_TRANSLATION_DIRECTORIES=str(folder("translations")),
        BABEL_DEFAULT_LOCALE="en",
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
        MAX_CONTENT_LENGTH=1_000_000,
        # An application that shares the portal's host may have a cookie named "session".
        SESSION_COOKIE_NAME=settings.cookie("portal_session"),
        # Longer than any session, so that one that has ended is told from none.
        PERMANENT_SESSION_LIFETIME=timedelta(days=2 * settings.session_days),
        **cookies.of_session(settings),
        PREFERRED_URL_SCHEME="https" if settings.secure else "http",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_STORAGE_URI=settings.limits_url,
        RATELIMIT_HEADERS_ENABLED=False,
        # While the store is away, each process counts for itself, so people can still sign in.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
    )
    app.session_interface = OwnSession(app)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    reached.prepare(app)
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def database_uri(settings: config.Settings, instance: Path) -> str:
    """Return the database's address, with a relative SQLite file resolved in the instance folder."""
    url = make_url(settings.database_url)
    if url.drivername == "sqlite" and url.database:
        url = url.set(database=str(instance / url.database))
    return url.render_as_string(hide_password=False)


def own_secret_key(path: Path) -> str:
    """Read the key in the instance folder, or make it on first use, readable by its owner alone."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        # If two processes start at once, the first one's key stays.
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text()


def add_extensions(app: Flask) -> None:
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine, app.config["PORTAL"].prepared_statements)
    babel = Babel(
        app,
        configure_jinja=False,
        locale_selector=frame.babel_locale,
        timezone_selector=frame.time_zone,
    )
    babel.domain_instance = Catalogs()
    csrf.add_to(app)
    guards.limiter.init_app(app)
