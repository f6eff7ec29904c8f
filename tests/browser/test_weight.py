"""A cold dashboard stays light, and what is weighed is what a browser loads."""

from urllib.parse import urlsplit

import pytest

from bench.weight import LIMIT, PAGE, cold
from tests.browser.conftest import session_cookie
from tests.browser.test_pages import ANNA, user_id


@pytest.mark.settings(demo=True)
def test_a_cold_dashboard_is_light(app, visit, address):
    anna = user_id(app, ANNA)
    weights = cold(address, f"{app.config['SESSION_COOKIE_NAME']}={session_cookie(app, anna)}")
    assert sum(weights.values()) <= LIMIT
    loaded = []
    with visit(anna) as page:
        page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
        page.goto(PAGE, wait_until="networkidle")
    assert len(loaded) > 3
    assert set(loaded) <= weights.keys()
