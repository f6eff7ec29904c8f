"""Refusals in words."""

import pytest
from flask_babel import force_locale

from webapp.domain.refusals import Refusal
from webapp.labels.refusals import sentence
from webapp.typography import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Use at most 200 characters."),
        ("pl", "Maksymalna liczba znaków: 200."),
        ("pt", "Use no máximo 200 caracteres."),
    ],
)
def test_a_sentence_in_each_language_with_its_values(context, language, said):
    with force_locale(language):
        assert plain(sentence(Refusal.TOO_LONG, max=200)) == said
