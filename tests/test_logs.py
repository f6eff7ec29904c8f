"""The log for operators: one record a line, in UTC."""

import logging
import re
from io import StringIO

import pytest

from webapp import logs


@pytest.fixture
def written(app):
    """What stands in the log, whose handler writes here meanwhile."""
    (handler,) = logging.getLogger("webapp").handlers
    stream, before = StringIO(), handler.setStream(StringIO())
    handler.setStream(stream)
    yield lambda: stream.getvalue().splitlines()
    handler.setStream(before)


def test_a_line_says_when_how_grave_and_where(written):
    logging.getLogger("webapp.worker").warning("tired")
    (line,) = written()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING webapp\.worker \[-\] tired", line)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x0b"])
def test_no_text_makes_up_a_record(written, end):
    made_up = f"reply{end}2027-01-01T00:00:00Z ERROR webapp [-] made up"
    log = logging.getLogger("webapp.worker")
    log.warning("the server said %s", made_up)
    try:
        raise ValueError(made_up)
    except ValueError:
        log.exception("broke")
    records = [line for line in written() if re.match(r"\d{4}-", line)]
    assert [line.partition("] ")[2] for line in records] == ["the server said reply", "broke"]


def test_moments_are_not_those_of_the_machines_zone():
    record = logging.LogRecord("webapp", logging.INFO, "", 1, "x", (), None)
    record.created, record.request_id = 0.0, "-"
    assert (
        logs.RecordLines(logs.LINE, logs.MOMENT).format(record).startswith("1970-01-01T00:00:00Z ")
    )
