"""Words for the security log: every action has some, in each language, and browsers have names."""

import pytest
from flask_babel import force_locale

from webapp import i18n
from webapp.labels import security
from webapp.models import SecurityAction

SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0"
DETAILS = {"email": "a@b.example", **dict.fromkeys(security.SWITCHES, "1")}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_action_has_words(app, language):
    with app.test_request_context(), force_locale(language):
        said = [security.sentence(action, DETAILS) for action in SecurityAction]
    assert len(set(said)) == len(SecurityAction)
    assert all(said)


def test_off_and_on_have_other_words(app):
    with app.test_request_context():
        said = [
            security.sentence(SecurityAction.ACCESS_CHANGED, {"active": value}) for value in "01"
        ]
    assert said == ["Access changed: deactivated", "Access changed: activated"]


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
            "Firefox, Linux",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/150.0.0.0", "Edge, Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI}", "Safari, macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) {SAFARI}", "Safari, iPhone"),
        (f"Mozilla/5.0 (Linux; Android 16) {CHROME} Mobile Safari/537.36", "Chrome, Android"),
        ("<script>alert(1)</script>", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_browsers_have_names(agent, expected):
    assert security.browser(agent) == expected


@pytest.mark.parametrize("action", SecurityAction)
def test_a_line_without_its_details_still_says_what_happened(app, action):
    """Erasing somebody takes the details away."""
    with app.test_request_context():
        assert security.sentence(action, {})
