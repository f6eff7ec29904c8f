"""The search for garbage: rarer in between, and as before afterwards."""

import gc

import pytest

from webapp.garbage import rarely_collected


def fail_in_between() -> None:
    with rarely_collected():
        assert gc.get_threshold()[0] > 700
        raise ValueError("broken")


def test_python_looks_as_often_as_before_whatever_happens():
    usual = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"):
        fail_in_between()
    assert gc.get_threshold() == usual
