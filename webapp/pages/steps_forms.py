"""The rows of a partner's steps as a form, to which one adds rows, and from which one removes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import StringField

from webapp.domain.refusals import Refusal
from webapp.domain.steps import LONGEST_TERM, MOST_ROWS, STEP_TEXT, Days, StepRow, Steps, parse_days
from webapp.labels.refusals import WORDS
from webapp.pages import forms

# The fields of a row. Each has the row's number after its name.
COLUMNS = ("up_to", "decided", "renewing")
NUMBERS = tuple(str(number) for number in range(1, MOST_ROWS + 1))
ADD, REMOVE = "add_row", "remove_row"


class DaysField(StringField):
    """A list of days, farthest first, or None if the field was not sent."""

    data: Days | None

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = () if valuelist else None
        try:
            self.data = parse_days(valuelist[0]) if valuelist else None
        except ValueError:
            raise ValueError(WORDS[Refusal.STEPS]) from None

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ", ".join(map(str, self.data or ()))


class NumberField(StringField):
    """A number of up to three digits, or None."""

    data: int | None

    def process_formdata(self, valuelist: list[str]) -> None:
        text = "".join(valuelist).strip()
        self.data = int(text) if STEP_TEXT.fullmatch(text) else None

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else str(self.data or "")


@dataclass(frozen=True, slots=True)
class RowFields:
    """The fields of a row. The last one is for all longer terms, and needs no limit."""

    number: str
    last: bool
    up_to: NumberField
    decided: DaysField
    renewing: DaysField

    @property
    def row(self) -> StepRow:
        limit = None if self.last else self.up_to.data
        return StepRow(limit, self.decided.data or (), self.renewing.data or ())


class StepsForm(forms.SharedForm):
    """One to five rows of steps. A row that is not there has no list for what must be decided."""

    up_to_1, up_to_2, up_to_3, up_to_4, up_to_5 = (
        NumberField(_l("Row %(number)s: terms up to (months)", number=number)) for number in NUMBERS
    )
    decided_1, decided_2, decided_3, decided_4, decided_5 = (
        DaysField(_l("Row %(number)s: must be decided", number=number)) for number in NUMBERS
    )
    renewing_1, renewing_2, renewing_3, renewing_4, renewing_5 = (
        DaysField(_l("Row %(number)s: renews by itself", number=number)) for number in NUMBERS
    )

    @property
    def rows(self) -> list[RowFields]:
        there = [number for number in NUMBERS if self[f"decided_{number}"].data is not None]
        there = there or [NUMBERS[0]]
        return [
            RowFields(number, number == there[-1], *(self[f"{name}_{number}"] for name in COLUMNS))
            for number in there
        ]

    @property
    def full(self) -> bool:
        return len(self.rows) == MOST_ROWS

    @property
    def steps(self) -> Steps:
        """The rows as they are stored, however they were sorted."""
        *limited, last = (fields.row for fields in self.rows)
        return (*sorted(limited, key=attrgetter("up_to")), last)

    def validate(self, extra_validators: Mapping[str, object] | None = None) -> bool:
        valid = super().validate(extra_validators)
        limits = set[int | None]()
        if self.decided_1.data is None:
            self.decided_1.errors = [WORDS[Refusal.STEPS]]
        for fields in self.rows[:-1]:
            field, limit = fields.up_to, fields.up_to.data
            if limit is None or not 1 <= limit <= LONGEST_TERM:
                field.errors = [
                    _("Write a number of months from 1 to %(most)d.", most=LONGEST_TERM)
                ]
            elif limit in limits:
                field.errors = [_("Another row is already for terms up to this number of months.")]
            limits.add(limit)
        return valid and not self.errors


def spread(steps: Steps) -> dict[str, object]:
    """Spread rows over the fields of a form."""
    return {
        f"{column}_{number}": getattr(row, column)
        for number, row in zip(NUMBERS, steps, strict=False)
        for column in COLUMNS
    }


def rearranged(sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """Add an empty row before the last one, or remove one, in the fields of a form as they were sent."""
    removed = sent.get(REMOVE)
    rows = [
        [sent.get(f"{column}_{number}", "") for column in COLUMNS]
        for number in NUMBERS
        if f"decided_{number}" in sent and number != removed
    ]
    if ADD in sent and len(rows) < MOST_ROWS:
        rows.insert(-1, [""] * len(COLUMNS))
    fields = MultiDict(sent)
    for number in NUMBERS:
        for column in COLUMNS:
            fields.pop(f"{column}_{number}", None)
    for number, row in zip(NUMBERS, rows, strict=False):
        fields.update(
            {f"{column}_{number}": text for column, text in zip(COLUMNS, row, strict=True)}
        )
    return fields
