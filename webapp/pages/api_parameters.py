"""The parameters of the programming interface: each is described once, and read as it is described."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _

from webapp.domain.ownership import Owner
from webapp.pages.problems import WrongParameter


@dataclass(frozen=True, slots=True)
class ApiParameter:
    """One parameter of an address. ``schema``: its values, as JSON Schema has them, with the default if it has one."""

    name: str
    description: str
    schema: Mapping[str, Any]

    def read(self) -> Any:
        """Read it from this request: a number or a text; None if it is left out. Raises WrongParameter."""
        text = request.args.get(self.name)
        if text is None:
            return self.schema.get("default")
        return READERS[self.schema["type"]](self, text)


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
        sentence = _(
            "Give the text that the page before had as next: %(name)s", name=parameter.name
        )
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
