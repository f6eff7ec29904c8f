"""The shared parts of commands: the unit of work, words for refusals, and reports as JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from webapp.cli.output import unbroken
from webapp.config import SettingError
from webapp.labels import audit
from webapp.labels.refusals import sentence
from webapp.models import Partner, db, revision
from webapp.models.transactions import writing
from webapp.services import installation
from webapp.services.clients import clients
from webapp.services.errors import Refused
from webapp.services.sending.marks import OnHold
from webapp.typography import plain

# A check's function, and a flag: the whole command fails with it.
Check = tuple[Callable[[], str], bool]
OVERTAKEN = "The same rows were saved elsewhere at the same moment. Nothing was written; try again."
as_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")


class CheckFailed(Exception):
    """Raised by a check that found something wrong. The text tells what to do."""


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turn expected errors into one line without a traceback. The exit code is 1, for settings 2."""
    try:
        yield
    except Refused as error:
        raise click.ClickException(sentence_of(error)) from None
    except (revision.OtherRevision, OnHold) as error:
        raise click.ClickException(str(error)) from None
    except SettingError as error:
        raise click.UsageError(str(error)) from None
    except UnicodeEncodeError as error:
        # Some bytes of an argument are no text in this system's encoding.
        raise click.UsageError(f"This is not text: {error.object!r}") from None
    except StaleDataError:
        raise click.ClickException(OVERTAKEN) from None
    except DBAPIError as error:
        hint = "Does the database have its tables? portal init makes them."
        raise click.ClickException(f"{error.orig}\n{hint}") from None


@contextmanager
def settings_in_one_line() -> Iterator[None]:
    """End the program in one line, with exit code 2, if it can't be made with these settings."""
    try:
        yield
    except SettingError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)


def unit_of_work(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command in the application as one unit of work, and commit it if it ends well."""

    @with_appcontext
    @wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        token = writing.set(True)
        try:
            with unbroken(), in_one_line():
                installation.refuse_other_data()
                revision.require()
                result = function(*arguments, **options)
                db.session.commit()
        finally:
            db.session.rollback()
            writing.reset(token)
        return result

    return run


def make_tables() -> None:
    """Create or migrate the tables. Raises OtherRevision if no migration leads to this version."""
    # Imported here, since most commands do without the library for migrations.
    from webapp.cli.migrating import upgrade
    from webapp.models import differences

    try:
        revision.require(revision.foreign)
        upgrade()
        revision.require(differences.mismatch)
        unit_of_work(clients.refresh_sort_keys)()
    except DBAPIError as error:
        raise click.ClickException(f"The database can't be used: {error.orig}") from None


def sentence_of(error: Refused) -> str:
    """Put a refusal into the words of the forms."""
    field = audit.FIELDS.get(error.field) or error.field.replace("_", " ").capitalize()
    return plain(f"{field}: {sentence(error.refusal, **error.values)}")


def say(text: str, **options: Any) -> None:
    """Print a text of the catalogs. A terminal breaks no lines between words, and what is typed finds it."""
    click.echo(plain(text), **options)


def as_text(value: Any) -> str:
    """Write a value as JSON, with dates and codes as their text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def print_json(value: Any) -> None:
    click.echo(as_text(value))


def json_pieces(value: Mapping[str, Any]) -> Iterator[str]:
    """Write an object as ``print_json`` does, piece by piece: iterators become lists item by item."""
    before = "{"
    for key, item in value.items():
        yield f"{before}\n  {as_text(key)}: "
        if isinstance(item, Iterator):
            yield from list_pieces(item)
        else:
            yield as_text(item).replace("\n", "\n  ")
        before = ","
    yield "\n}\n"


def list_pieces(items: Iterator[Any]) -> Iterator[str]:
    before = "["
    for item in items:
        yield f"{before}\n    " + as_text(item).replace("\n", "\n    ")
        before = ","
    yield "[]" if before == "[" else "\n  ]"


def find_partner(slug: str) -> Partner:
    """Find a partner by its slug, or end with an error."""
    partner = db.session.scalar(select(Partner).where(Partner.slug == slug))
    if partner is None:
        known = ", ".join(db.session.scalars(select(Partner.slug).order_by(Partner.slug)))
        raise click.ClickException(f"There is no partner {slug!r}. There are: {known or 'none'}.")
    return partner
