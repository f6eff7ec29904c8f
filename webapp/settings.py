"""Every setting: its variable, type, default and check."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from webapp.setting_values import (
    at_least_one,
    boolean,
    boolean_or_auto,
    bounce_address,
    broker_address,
    database_address,
    doors,
    filled,
    frame_addresses,
    header_name,
    host_names,
    issuer_address,
    language,
    level,
    log_format,
    long_secret,
    long_secrets,
    mail_address,
    mailbox_address,
    optional_address,
    role_groups,
    scopes,
    sender_address,
    storage_address,
    web_address,
    whole_number,
)


def setting(default: Any, help: str, parse: Callable[[str], Any] = str) -> Any:
    """Make a field with its own documentation and the parser of its variable."""
    return field(default=default, metadata={"help": help, "parse": parse})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. The field ``base_url`` is read from ``PORTAL_BASE_URL``, and so on."""

    database_url: str = setting(
        "sqlite:///portal.db",
        "The database. A relative SQLite path lies in the instance folder. "
        "In demo mode the default is sqlite:///demo.db.",
        database_address,
    )
    prepared_statements: bool | None = setting(
        None,
        "Whether statements are prepared on PostgreSQL: 1, 0, or auto: not behind a pooler such as pgbouncer.",
        boolean_or_auto,
    )
    secret_key: str = setting(
        "",
        "Signs sessions and links; at least 32 characters. Empty: made once, kept in the instance folder.",
        long_secret,
    )
    secret_keys: tuple[str, ...] = setting(
        (),
        "Several keys in place of PORTAL_SECRET_KEY, separated by commas: the first one signs, all are accepted.",
        long_secrets,
    )
    base_url: str = setting(
        "http://127.0.0.1:8000",
        "Where people reach the portal; links in mails start with it.",
        web_address,
    )
    trusted_hosts: tuple[str, ...] = setting(
        (), "Host names that the portal answers to, separated by commas; empty: any.", host_names
    )
    proxies: int = setting(
        0, "How many reverse proxies stand in front and set X-Forwarded headers.", whole_number
    )
    frame_ancestors: tuple[str, ...] = setting(
        (), "Addresses of pages that may show the portal in a frame; empty: none.", frame_addresses
    )
    mail_url: str = setting(
        "inbox:",
        "Where mail goes: inbox: (kept in the database and sent to nobody; the demo shows it), "
        "smtp://user:password@host:587 (STARTTLS; ?tls=off for none) or smtps://host:465.",
        mail_address,
    )
    mail_from: str = setting(
        "renewals@portal.example", "The sender's address of every mail.", sender_address
    )
    mail_timeout: int = setting(
        30, "Seconds that one step of a mail conversation may take.", at_least_one
    )
    bounce_address: str = setting(
        "",
        "Where mail servers report mails that bounce later, such as bounces@portal.example; each mail gets "
        "bounces+id.signature@portal.example as its envelope sender. Empty: PORTAL_MAIL_FROM, and no bounce is read.",
        bounce_address,
    )
    bounce_mailbox: str = setting(
        "",
        "The mailbox of PORTAL_BOUNCE_ADDRESS, read by the worker: imaps://user:password@host/INBOX or "
        "imap://… (STARTTLS; ?tls=off for none). Empty: reports come in by portal bounces read.",
        mailbox_address,
    )
    lease_seconds: int = setting(
        600,
        "After so many seconds another worker takes over the mails of one that died; "
        "at least 20 times PORTAL_MAIL_TIMEOUT.",
        at_least_one,
    )
    session_idle_hours: int = setting(
        12, "After so many hours without a page a session ends.", at_least_one
    )
    session_days: int = setting(
        7, "So many days after signing in a session ends, however much it is used.", at_least_one
    )
    keep_sessions: int = setting(
        30, "Days that a session is kept after its end, with where it came from.", at_least_one
    )
    keep_security_log: int = setting(
        365, "Days that a line of the security log is kept.", at_least_one
    )
    keep_mails_days: int = setting(
        400,
        "Days that the bytes of a mail are kept after the renewal that it speaks of.",
        at_least_one,
    )
    keep_inbox: int = setting(
        30, "Days that a mail is kept in the local inbox (inbox:).", at_least_one
    )
    keep_feedback: int = setting(365, "Days that an answer on the help page is kept.", at_least_one)
    vendor_name: str = setting(
        "HubSpot", "The name of the vendor whose product is renewed.", filled
    )
    name: str = setting(
        "",
        "The portal's name on pages and in mails; empty: Renewal Portal, in the reader's language.",
    )
    language: str = setting(
        "en", "The language of pages if neither a choice nor the browser gives one.", language
    )
    demo: bool = setting(
        False,
        "Demo mode: demo people sign in with one click, the clock moves, nothing leaves.",
        boolean,
    )
    worker_seconds: int = setting(
        10, "Seconds that a resting worker waits between rounds.", at_least_one
    )
    broker_url: str = setting(
        "",
        "The broker of a task queue that wakes workers: redis://host (Valkey, too) or "
        "amqp://user:password@host; empty: portal worker wakes by itself.",
        broker_address,
    )
    sign_in: tuple[str, ...] = setting(
        ("password",),
        "How people sign in, separated by commas: password, oidc (an identity provider), "
        "proxy (a reverse proxy that has signed them in).",
        doors,
    )
    sign_in_partner: str = setting(
        "",
        "The partner whose people come by oidc or proxy, and no other way: the word that portal partner list shows.",
    )
    sign_in_groups: tuple[str, ...] = setting(
        (),
        "Groups whose people get in without being added first, by role: "
        "admin=portal-admins, member=sales. Empty: nobody.",
        role_groups,
    )
    oidc_issuer: str = setting(
        "", "The identity provider's issuer, such as https://login.example.com.", issuer_address
    )
    oidc_client_id: str = setting("", "The portal's client id at the identity provider.")
    oidc_client_secret: str = setting("", "The portal's client secret there.")
    oidc_scopes: str = setting(
        "openid email profile", "What is asked of the identity provider.", scopes
    )
    oidc_groups_claim: str = setting("groups", "The claim that lists a person's groups.", filled)
    oidc_verified_claim: str = setting(
        "email_verified", "The claim that says whether the e-mail address was verified.", filled
    )
    proxy_user_header: str = setting(
        "",
        "The header in which the proxy names who has signed in, such as Remote-User.",
        header_name,
    )
    proxy_email_header: str = setting(
        "", "The header in which the proxy says that person's e-mail address.", header_name
    )
    proxy_groups_header: str = setting(
        "",
        "The header in which the proxy lists that person's groups, separated by commas; empty: none.",
        header_name,
    )
    proxy_secret: str = setting(
        "",
        "What the proxy sends as X-Portal-Secret with every request, so that its headers are believed; "
        "at least 32 characters.",
        long_secret,
    )
    sign_out_url: str = setting(
        "",
        "Where signing out leads those who came by the proxy; empty: to a page that says so.",
        optional_address,
    )
    theme_path: str = setting(
        "", "A folder with the intranet's look: theme.css, logo.svg. Empty: the portal's own."
    )
    instance_path: str = setting("instance", "The folder of the portal's own files.", filled)
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR.", level)
    log_format: str = setting(
        "text", "How the log is written: text, or json for one JSON object a line.", log_format
    )
    monitor_token: str = setting(
        "",
        "Lets a monitor read from /readyz and /metrics how mail flows, as Authorization: Bearer; "
        "at least 32 characters. Empty: nobody.",
        long_secret,
    )
    limits_url: str = setting(
        "memory://",
        "Where sign-in attempts are counted; redis://host for several web processes.",
        storage_address,
    )

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """The keys that signatures may have, the one that signs first; none if the instance folder has it."""
        return self.secret_keys or tuple(filter(None, [self.secret_key]))

    @property
    def secure(self) -> bool:
        """Tell whether people come over https, so that cookies may insist on it."""
        return self.base_url.startswith("https://")

    @property
    def path(self) -> str:
        """The path below which the portal lies, such as /apps/portal; empty if it has the host to itself."""
        return urlsplit(self.base_url).path

    @property
    def framed(self) -> bool:
        """Tell whether other pages may show the portal in a frame."""
        return bool(self.frame_ancestors)

    @property
    def delivers(self) -> bool:
        """Tell whether mail gets to its readers: by a mail server or, in the demo, in the common inbox."""
        return self.demo or not self.mail_url.startswith("inbox:")

    def cookie(self, name: str) -> str:
        """Name a cookie so that browsers keep it for https alone and, if the whole host is the portal's, for that host.

        Whatever another host says, or somebody on the line.
        """
        if not self.secure:
            return name
        return f"__Secure-{name}" if self.path else f"__Host-{name}"
