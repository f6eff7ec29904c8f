"""Words that anybody can find out about a person."""

from tests.support.cast import Cast
from webapp.models import User, db
from webapp.services.accounts.own_words import own_words


def test_names_and_parts_of_addresses_are_words(context, cast: Cast):
    dana, bob = (db.session.get_one(User, id) for id in (cast.dana, cast.bob))
    dana.name, dana.email = "Danuta Żółć-Kos", "d.kos@acme.example"
    words = own_words([dana], "moja.skrzynka@poczta.example")
    assert words == {
        *("danuta", "zolc", "kos", "acme", "example", "odnowa"),
        *("moja", "skrzynka", "poczta", "renewal", "portal", "test", "hubspot"),
    }
    # A client is nobody's word but its own people's.
    assert "acme" not in own_words([bob], bob.email)
