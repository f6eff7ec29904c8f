"""The command ``portal check``: tell whether this installation can do its work."""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from gettext import GNUTranslations

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from webapp import i18n
from webapp.cli.check_deploy import CHECKS as DEPLOY_CHECKS
from webapp.cli.check_doors import CHECKS as DOOR_CHECKS
from webapp.cli.check_mail import address_of, send_mail
from webapp.cli.check_public import public_checks
from webapp.cli.shared import Check, CheckFailed, as_json, print_json
from webapp.config import SettingError
from webapp.mail.opening import open_transport
from webapp.mail.server_name import server_name
from webapp.models import Installation, Partner, db, revision
from webapp.paths import folder
from webapp.services import runtime
from webapp.services.sending import mail_server, monitoring, todo_facts
from webapp.services.sending.marks import OnHold


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. Only findings that are ``needed`` make the command fail."""

    check: str
    ok: bool
    text: str
    needed: bool = True


def check_settings() -> str:
    """Report the settings as read. Without readable settings no command starts at all."""
    return f"read; people reach the portal at {runtime.settings().base_url}"


def check_database() -> str:
    """Check that the database answers and has the tables of this version."""
    # Imported here, since most commands do without the library for migrations.
    from webapp.models import differences

    try:
        problem = revision.problem() or differences.mismatch()
    except DBAPIError as error:
        raise CheckFailed(f"can't be reached: {error.orig}") from None
    if problem:
        raise CheckFailed(problem)
    return f"{db.engine.dialect.name} answers; its tables are those of this version"


def check_languages() -> str:
    """Check that each language has a complete compiled catalog."""
    catalogs = {code: texts_of(code) for code in i18n.CODES}
    everything = set().union(*catalogs.values())
    for code, texts in catalogs.items():
        if everything - texts:
            raise CheckFailed(f"{code} lacks {len(everything - texts)} texts: run make messages")
    return "complete: " + ", ".join(catalogs)


def texts_of(code: str) -> set[str]:
    """Read the English texts that a compiled catalog has."""
    path = folder("translations") / code / "LC_MESSAGES" / "messages.mo"
    if not path.exists():
        raise CheckFailed(f"{code} is not compiled: run make messages")
    with path.open("rb") as file:
        catalog = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    # Texts with a plural have an entry for each form.
    return {key if isinstance(key, str) else key[0] for key in catalog}


def check_mail() -> str:
    """Check that mail has a way out. No connection is made."""
    try:
        open_transport(runtime.settings()).close()
    except SettingError as error:
        raise CheckFailed(str(error)) from None
    if server := server_name(runtime.settings()):
        return f"goes to the mail server {server}"
    if runtime.settings().delivers:
        return "kept in the demo's inbox, nothing leaves"
    return "kept in this installation, sent to nobody: no mail server is set up (PORTAL_MAIL_URL)"


def check_delivery() -> str:
    """Check that the mail server was not away when a worker last had a mail for it."""
    try:
        away = mail_server.away()
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if away:
        raise CheckFailed(
            f"the mail server takes no mail since {away.since:%Y-%m-%d %H:%M} UTC, and said: "
            f"{away.reply}. Nothing is lost, and workers go on trying; portal check --mail TO tries now"
        )
    return "the mail server was not away when it last got a mail"


def check_hold() -> str:
    """Check that sending is not on hold, after a restore."""
    try:
        held_at = db.session.scalar(select(Installation.held_at))
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if held_at:
        raise CheckFailed(f"on hold since {held_at:%Y-%m-%d %H:%M} UTC: {OnHold()}")
    return "not on hold"


def check_worker() -> str:
    """Check that a worker gave a sign of life lately."""
    try:
        seen = db.session.scalar(select(Installation.worker_seen_at))
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if seen is None:
        raise CheckFailed("none has run yet: start portal worker")
    if monitoring.silent(seen):
        raise CheckFailed(f"none since {seen:%Y-%m-%d %H:%M} UTC: start portal worker")
    return f"seen at {seen:%Y-%m-%d %H:%M} UTC"


def check_privacy() -> str:
    """Check that the mails of each partner that sends link to its privacy notice."""
    lacking = select(Partner.slug).where(Partner.sending, Partner.privacy_url.is_(None))
    try:
        slugs = db.session.scalars(lacking.order_by(Partner.slug)).all()
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if slugs:
        raise CheckFailed(
            f"no link in the mails of {', '.join(slugs)}: "
            "an admin there writes it under Settings > Mail texts"
        )
    return "linked in the mails of every partner that sends"


def check_to_do() -> str:
    """Check that at each partner that sends somebody responsible hears what is to do."""
    try:
        unheard = todo_facts.unheard()
    except DBAPIError:
        raise CheckFailed("not known without the database") from None
    if unheard:
        raise CheckFailed("; ".join(f"{slug}: {INSTEAD[others]}" for slug, others in unheard))
    return "somebody responsible can be reached at every partner that sends"


# By whether others of the partner can be reached.
INSTEAD = {
    True: "nobody responsible can be reached, so To-do mails go to all others of the team",
    False: "nobody can be told To-do, since no address of the team takes mail",
}
CHECKS: dict[str, Check] = {
    "settings": (check_settings, True),
    "database": (check_database, True),
    "languages": (check_languages, True),
    "mail": (check_mail, True),
    "delivery": (check_delivery, True),
    "sending": (check_hold, True),
    "worker": (check_worker, False),
    "privacy notice": (check_privacy, False),
    "to-do mails": (check_to_do, False),
    **DOOR_CHECKS,
}


def findings(checks: dict[str, Check]) -> Iterator[Finding]:
    for name, (check, needed) in checks.items():
        try:
            yield Finding(name, True, check(), needed)
        except CheckFailed as wrong:
            yield Finding(name, False, str(wrong), needed)
        db.session.rollback()


@click.command("check")
@click.option("--deploy", is_flag=True, help="Also check that this is fit for real clients.")
@click.option(
    "--mail",
    "recipient",
    metavar="TO",
    callback=address_of,
    help="Only send one mail to this address, now, and tell what the mail server says.",
)
@click.option(
    "--public",
    is_flag=True,
    help="Only ask the portal where people reach it, and name what proxies change on the way.",
)
@as_json
@with_appcontext
def check_command(deploy: bool, recipient: str | None, public: bool, as_json: bool) -> None:
    """Check settings, database, languages and mail; exit code 1 if something is missing."""
    checks = CHECKS | DEPLOY_CHECKS if deploy else CHECKS
    if public:
        checks = public_checks()
    if recipient is not None:
        checks = {"test mail": (partial(send_mail, recipient), True)}
    found = list(findings(checks))
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            mark = "ok" if finding.ok else "MISSING" if finding.needed else "hint"
            click.echo(f"{mark:8} {finding.check}: {finding.text}")
    if any(finding.needed and not finding.ok for finding in found):
        sys.exit(1)
