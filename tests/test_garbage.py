"""The search for garbage: rarer in between, and as before afterwards."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.app import create_app
from webapp.config import Settings
from webapp.garbage import OBJECTS_OF_PAGES, rarely_collected, seldom_collected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)


def fail_in_between() -> None:
    with rarely_collected():
        assert gc.get_threshold()[0] > 700
        raise ValueError("broken")


def test_python_looks_as_often_as_before_whatever_happens():
    usual = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"):
        fail_in_between()
    assert gc.get_threshold() == usual


def test_a_portal_looks_seldom(tmp_path: Path):
    gc.set_threshold(700, 10, 10)
    create_app(Settings(instance_path=str(tmp_path)))
    assert gc.get_threshold() == (OBJECTS_OF_PAGES, 10, 10)


@pytest.mark.parametrize("own", [0, OBJECTS_OF_PAGES + 1])
def test_a_process_that_looks_less_often_goes_on_so(own: int):
    gc.set_threshold(own, 10, 10)
    seldom_collected()
    assert gc.get_threshold()[0] == own
