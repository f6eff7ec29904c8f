"""Saving a form: the only way from a route to a service and back to the form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import Response, after_this_request, flash

from webapp.labels.refusals import sentence
from webapp.models import db
from webapp.models.transactions import attempt
from webapp.pages.forms import Form, SharedForm, explain
from webapp.pages.notices import Quicker, quicker
from webapp.services.errors import Conflict, Refused, TooMany

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Saved(Generic[T]):
    """The service's answer, or the status of the page that shows the form (again).

    200: the form was only asked for. 422: it has faults, which it shows. 429: it would cause a mail too many.
    409: somebody was quicker, with ``conflict`` for the words. The form then has the present token, and the
    present values where it was left as shown, so that saving it again overwrites on purpose.
    """

    value: T | None = None
    status: int = 303
    conflict: Quicker | None = None

    @property
    def done(self) -> bool:
        return self.status == 303


def save(
    form: Form,
    service: Callable[[], T],
    present: Callable[[], str] | None = None,
) -> Saved[T]:
    """Call a service if the form is valid.

    ``present`` returns the token of the stored values, for a form of something that others may change, too.
    """
    if not form.validate_on_submit():
        return Saved(status=422 if form.errors else 200)
    try:
        return Saved(attempt(service))
    except TooMany as refused:
        explain(form, refused)
        wait(refused.seconds)
        return Saved(status=429)
    except Refused as refused:
        explain(form, refused)
        return Saved(status=422)
    except Conflict as conflict:
        if isinstance(form, SharedForm) and present:
            form.follow(present())
        return Saved(status=409, conflict=quicker(conflict.entry))


def wait(seconds: int) -> None:
    """Let this answer tell machines after how long they may try again."""

    @after_this_request
    def set_header(response: Response) -> Response:
        response.headers["Retry-After"] = str(seconds)
        return response


def carry_out(service: Callable[[], object]) -> bool:
    """Call a service for a button, which has no form. If it is refused, the next page says why.

    A mail too many is an error page (pages/errors.py).
    """
    try:
        attempt(service)
    except TooMany:
        raise
    except Refused as refused:
        # Whatever it has done before it was refused.
        db.session.rollback()
        flash(sentence(refused.refusal, **refused.values), "bad")
        return False
    return True
