"""Faults of a list in words: in the reader's language, ready for a page as for a command."""

import pytest
from flask_babel import force_locale

from webapp.domain.cells import Problem
from webapp.domain.rows import Fault
from webapp.labels.imports import remark
from webapp.typography import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_remark_has_its_place_apart_from_its_sentence(context):
    fault = Fault(7, "Nazwa", Problem.TOO_LONG, {"value": "x" * 80, "max": 200})
    row, column, sentence = remark(fault)
    assert (row, column, plain(sentence)) == (7, "Nazwa", "Use at most 200 characters.")
    assert plain(str(remark(fault))) == "Line 7, Nazwa: Use at most 200 characters."


def test_a_remark_about_a_whole_line_names_no_column(context):
    fault = Fault(3, None, Problem.RAGGED, {"found": 2, "expected": 4})
    assert str(remark(fault)) == "Line 3: The line has 2 cells; the header has 4."


def test_a_remark_speaks_its_readers_language(context):
    with force_locale("pl"):
        assert str(remark(Fault(1, None, Problem.EMPTY))) == "Wiersz 1: Plik jest pusty."
