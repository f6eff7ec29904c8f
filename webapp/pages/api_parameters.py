"""The parameters of the programming interface: each is described once, and read as it is described."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _

from webapp.domain.ownership import Owner
from webapp.pages.problems import WrongParameter

# As much of an unknown name as is told back.
LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class ApiParameter:
    """One parameter of an address. ``schema``: its values, as JSON Schema has them, with the default if it has one."""

    name: str
    description: str
    schema: Mapping[str, Any]

    def read(self, texts: Sequence[str]) -> Any:
        """Read it from what an address has of it: a number or a text; None if it is left out. Raises WrongParameter."""
        if not texts:
            return self.schema.get("default")
        if len(texts) > 1:
            raise WrongParameter(
                self.name, _("Give this parameter only once: %(name)s", name=self.name)
            )
        return READERS[self.schema["type"]](self, texts[0])


def read(*parameters: ApiParameter) -> dict[str, Any]:
    """Read these from this request, by their names. Raises WrongParameter.

    Any other one is refused, too: it was meant to do something.
    """
    known = {parameter.name for parameter in parameters}
    if unknown := request.args.keys() - known:
        name = min(unknown)[:LONGEST_NAME]
        raise WrongParameter(name, _("There is no such parameter: %(name)s", name=name))
    return {one.name: one.read(request.args.getlist(one.name)) for one in parameters}


def read_number(parameter: ApiParameter, text: str) -> int:
    least, most = parameter.schema["minimum"], parameter.schema["maximum"]
    # A longer one is no number of ours, and would take long to read.
    fits = re.fullmatch(r"-?[0-9]{1,9}", text, re.ASCII)
    if not fits or not least <= int(text) <= most:
        sentence = _(
            "Give a whole number from %(least)d to %(most)d: %(name)s",
            least=least,
            most=most,
            name=parameter.name,
        )
        raise WrongParameter(parameter.name, sentence)
    return int(text)


def read_text(parameter: ApiParameter, text: str) -> str:
    choices, pattern = parameter.schema.get("enum"), parameter.schema.get("pattern", "")
    if choices and text not in choices:
        sentence = _(
            "Give one of these: %(name)s (%(values)s)",
            name=parameter.name,
            values=", ".join(choices),
        )
        raise WrongParameter(parameter.name, sentence)
    if not choices and not re.fullmatch(pattern.strip("^$"), text, re.ASCII):
        sentence = _("Give the value of next from the page before: %(name)s", name=parameter.name)
        raise WrongParameter(parameter.name, sentence)
    return text


READERS: dict[str, Callable[[ApiParameter, str], Any]] = {
    "integer": read_number,
    "string": read_text,
}
DAYS = ApiParameter(
    "days",
    "List what is to be decided within so many days from today, the partner's local date.",
    {"type": "integer", "minimum": 1, "maximum": 365, "default": 30},
)
OWNER = ApiParameter(
    "owner",
    "List only renewals with this effective owner of the communication: the client's own, or else the default.",
    {"type": "string", "enum": [owner.value for owner in Owner]},
)
CLIENTS = ApiParameter(
    "limit",
    "The renewals of at most so many clients on a page.",
    {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
)
AFTER_CLIENT = ApiParameter(
    "after",
    "The place where the page begins: `next` of the page before.",
    {"type": "string", "pattern": r"^[0-9]{1,7}\.[0-9]{1,18}$"},
)
EVENTS = ApiParameter(
    "limit",
    "At most so many events on a page.",
    {"type": "integer", "minimum": 1, "maximum": 500, "default": 100},
)
AFTER_EVENT = ApiParameter(
    "after",
    "The place where the page begins: `next` of the page before. Without it: the first event of all.",
    {"type": "string", "pattern": r"^[0-9]{1,18}\.[0-9]{1,18}$"},
)
OF_RENEWALS = (DAYS, OWNER, CLIENTS, AFTER_CLIENT)
OF_EVENTS = (EVENTS, AFTER_EVENT)
