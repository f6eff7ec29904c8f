"""A word is found anywhere in a text, whatever characters it has."""

import pytest
from flask import Flask
from sqlalchemy import bindparam, select

from tests.support.cast import Cast
from webapp.models import db
from webapp.models.matching import contains
from webapp.models.tables import client_table

HAS = select(client_table.c.id).where(contains(client_table.c.search_key, bindparam("word")))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("acme", True),
        ("me 5", True),
        ("%_a/b\\", True),
        ("źć", True),
        ("", True),
        ("ac%me", False),
        ("acm_", False),
        ("a/c", False),
        ("\\", True),
        ("źćż", False),
    ],
)
def test_a_word_is_found_anywhere_as_it_is(
    cast: Cast, context: Flask, word: str, found: bool
) -> None:
    one = client_table.c.id == cast.client
    db.session.execute(client_table.update().where(one).values(search_key="acme 5%_a/b\\ źć"))
    ids = db.session.scalars(HAS.where(one), {"word": word}).all()
    assert ids == ([cast.client] if found else [])
