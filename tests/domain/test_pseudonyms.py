"""Pseudonyms: whole texts of a stored value, and addresses amid a sentence."""

from webapp.domain.pseudonyms import Pseudonyms, address_for, name_for

DANA = Pseudonyms({"Dana": name_for(4)}, {"dana@acme.example": address_for(4)})
ACME = Pseudonyms({"Acme": name_for(3)})


def test_each_text_of_a_value_is_replaced_however_deep_it_lies():
    told = {
        "recipient": "Dana",
        "circle": [{"name": "Dana", "email": "DANA@acme.example", "user_id": 4}, {"name": "Dave"}],
        "client": {"id": 3, "name": "Acme"},
        "people": ["Dana", "Dave"],
        "contact": None,
    }
    assert Pseudonyms.together([DANA, ACME]).put_into(told) == {
        "recipient": "#4",
        "circle": [{"name": "#4", "email": "4@erased.invalid", "user_id": 4}, {"name": "Dave"}],
        "client": {"id": 3, "name": "#3"},
        "people": ["#4", "Dave"],
        "contact": None,
    }


def test_a_name_amid_another_text_stays():
    assert DANA.put_into(["Danacall", "To Dana"]) == ["Danacall", "To Dana"]


def test_an_address_amid_a_reply_is_replaced():
    reply = "550 5.1.1 <Dana@acme.example>: no mailbox; xdana@acme.example.org"
    assert DANA.put_into_text(reply) == (
        "550 5.1.1 <4@erased.invalid>: no mailbox; x4@erased.invalid.org"
    )
    assert ACME.put_into_text(reply) == reply
