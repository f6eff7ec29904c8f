"""Saving a form: the only way from a route to a service and back to the form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import flash

from webapp.labels.refusals import sentence
from webapp.models.transactions import attempt
from webapp.pages.forms import Form, SharedForm, explain
from webapp.pages.notices import Quicker, quicker
from webapp.services.errors import Conflict, Refused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Saved(Generic[T]):
    """The service's answer, or the status of the page that shows the form (again).

    200: the form was only asked for. 422: it has faults, which it shows. 409: somebody was quicker, with
    ``conflict`` for the words. The form then has the present token, so that saving it again overwrites on
    purpose.
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
    except Refused as refused:
        explain(form, refused)
        return Saved(status=422)
    except Conflict as conflict:
        if isinstance(form, SharedForm) and present:
            form.shown.data = present()
        return Saved(status=409, conflict=quicker(conflict.entry))


def carry_out(service: Callable[[], object]) -> bool:
    """Call a service for a button, which has no form. If it is refused, the next page says why."""
    try:
        attempt(service)
    except Refused as refused:
        flash(sentence(refused.refusal, **refused.values), "bad")
        return False
    return True
