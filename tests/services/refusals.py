"""What services refuse."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.domain.refusals import Refusal
from webapp.services.errors import Refused


def refusal(call: Callable[..., object], *args: Any, **values: Any) -> tuple[str, Refusal]:
    """Call what must be refused, and return the field and the reason."""
    with pytest.raises(Refused) as error:
        call(*args, **values)
    return error.value.field, error.value.refusal
