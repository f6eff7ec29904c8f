"""Addresses for templates: as Flask makes them, also those that were made before."""

import flask
import pytest

from webapp.pages import addresses

ASKED = (
    ("dashboard.index", {}),
    ("deliveries.index", {"state": "unclear"}),
    ("deliveries.index", {"state": "failed"}),
    ("deliveries.index", {"client": "50% & co", "state": "failed"}),
    ("clients.renewals", {"client_id": 7}),
    ("clients.renewals", {"client_id": 8}),
    ("clients.edit_contact", {"client_id": 7, "user_id": 8}),
    ("clients.edit_contact", {"user_id": 7, "client_id": 9}),
    ("deliveries.again", {"delivery_id": 7, "state": "failed"}),
    ("deliveries.again", {"delivery_id": 8, "client": "50% & co"}),
    ("settings.save_switch", {"name": "sending"}),
)


@pytest.mark.parametrize("root", ["/", "/portal", "/50%"])
def test_an_address_is_as_flask_makes_it(app, root):
    with app.test_request_context("/", base_url=f"http://localhost{root}"):
        for _ in range(2):
            for endpoint, values in ASKED:
                made = addresses.url_for(endpoint, **values)
                assert made == flask.url_for(endpoint, **values)
