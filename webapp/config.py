"""Settings as the environment or a program has them: read once, typed, refused by name."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from webapp.setting_values import is_safe_address
from webapp.settings import Settings

__all__ = ["PREFIX", "SettingError", "Settings", "checked", "load", "variable"]

PREFIX = "PORTAL_"
# By default demo data and real data never share a file.
DEMO_DATABASE = "sqlite:///demo.db"
# What each way of signing in needs, besides itself.
NEEDED = {
    "oidc": ("sign_in_partner", "oidc_issuer", "oidc_client_id", "oidc_client_secret"),
    "proxy": ("sign_in_partner", "proxy_user_header", "proxy_email_header", "proxy_secret"),
}


class SettingError(ValueError):
    """Raised for settings that can't be used. The message names each of them and its fault."""


def variable(name: str) -> str:
    """Name the environment variable of a field: ``base_url`` → ``PORTAL_BASE_URL``."""
    return PREFIX + name.upper()


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from the environment. Raises SettingError, which names each bad or unknown variable."""
    given = {name: text.strip() for name, text in environment.items() if name.startswith(PREFIX)}
    known = {variable(setting.name): setting.name for setting in fields(Settings)}
    texts = {known[name]: text for name, text in given.items() if name in known}
    unknown = [f"{name} is not a setting of this portal" for name in given if name not in known]
    return read(texts, unknown)


def checked(settings: Settings) -> Settings:
    """Return settings made in Python as the environment would have given them. Raises SettingError as ``load`` does."""
    values = {setting.name: getattr(settings, setting.name) for setting in fields(Settings)}
    return read({name: written(value) for name, value in values.items()})


def read(texts: Mapping[str, str], problems: Iterable[str] = ()) -> Settings:
    """Read the fields that have a text. Raises SettingError with these problems and those that it finds."""
    values: dict[str, Any] = {}
    found = [*problems]
    for setting in fields(Settings):
        if setting.name not in texts:
            continue
        try:
            values[setting.name] = setting.metadata["parse"](texts[setting.name])
        except ValueError as error:
            found.append(f"{variable(setting.name)} {error}")
    if values.get("demo"):
        values.setdefault("database_url", DEMO_DATABASE)
    settings = Settings(**values)
    found += contradictions(settings)
    if found:
        raise SettingError("; ".join(sorted(found)))
    return settings


def written(value: object) -> str:
    """Write a value as the text of its variable."""
    match value:
        case None:
            return "auto"
        case bool():
            return str(int(value))
        case tuple() | list():
            return ", ".join(map(str, value))
        case _:
            return str(value).strip()


def contradictions(settings: Settings) -> Iterator[str]:
    """Name the faults of settings that can't be used together."""
    if settings.demo and not settings.mail_url.startswith("inbox:"):
        yield "PORTAL_MAIL_URL must be inbox: in demo mode, which sends nothing outside"
    if settings.lease_seconds < 20 * settings.mail_timeout:
        yield "PORTAL_LEASE_SECONDS must be at least 20 times PORTAL_MAIL_TIMEOUT"
    if settings.demo and settings.bounce_mailbox:
        yield "PORTAL_BOUNCE_MAILBOX must not be set in demo mode, which reads nothing from outside"
    if settings.bounce_mailbox and not settings.bounce_address:
        yield "PORTAL_BOUNCE_MAILBOX needs PORTAL_BOUNCE_ADDRESS"
    if settings.secret_key and settings.secret_keys:
        yield "PORTAL_SECRET_KEY must not be set beside PORTAL_SECRET_KEYS: name it there"
    if settings.framed and not is_safe_address(settings.base_url):
        yield "PORTAL_FRAME_ANCESTORS needs a PORTAL_BASE_URL with https://, since a frame gets no other cookies"
    for door, needed in NEEDED.items():
        for name in needed if door in settings.sign_in else ():
            if not getattr(settings, name):
                yield f"PORTAL_SIGN_IN with {door} needs {variable(name)}"
