"""Protection of forms from other sites (CSRF): each session has a secret, which its forms send back, signed."""

from functools import lru_cache

from flask import Flask, session
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

protection = CSRFProtect()


def add_to(app: Flask) -> None:
    """Protect an app, and give its templates the token."""
    protection.init_app(app)
    # In imported templates, and in those that are rendered, where the library has put its own.
    app.jinja_env.globals["csrf_token"] = token
    app.context_processor(lambda: {"csrf_token": token})


def token() -> str:
    """Return the session's token. The session's first form brings its secret along."""
    secret = session.get("csrf_token")
    return signed(secret) if secret else made()


@lru_cache(maxsize=1000)
def signed(secret: str) -> str:
    """Sign a session's secret once for all its pages: the token holds as long as the session."""
    return made()


def made() -> str:
    """Make the token of the session in force. The library keeps it for the request."""
    text: str = generate_csrf()
    return text
