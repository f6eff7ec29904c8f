"""The demo's intranet: a front page with news and upcoming renewals, and a page with the portal in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import Flask, Response, make_response, render_template, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tools.intranet.words import ENDONYMS, LOCALES, NEWS, TAGS, WORDS

FOLDER = Path(__file__).parent
COOKIE = "hub_language"
COMPANY_ZONE = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of the demo, without a final slash: the site's, the framed portal's, the identity provider's."""

    site: str
    framed: str
    provider: str
    path: str = "/apps/portal"

    @property
    def portal(self) -> str:
        """The address of the portal in the site's path."""
        return self.site + self.path


def create_app(places: Places) -> Flask:
    """Make the intranet without the portal in its path."""
    app = Flask("intranet", template_folder=FOLDER / "pages", static_folder=FOLDER / "static")

    def page(name: str, **values: object) -> Response:
        asked = request.args.get("lang", request.cookies.get(COOKIE, ""))
        known = request.accept_languages.best_match(WORDS, "en")
        language = asked if asked in WORDS else known
        answer = make_response(
            render_template(
                f"{name}.html",
                here=name,
                language=language,
                words=WORDS[language],
                news=NEWS[language],
                day=format_date(datetime.now(COMPANY_ZONE), "full", LOCALES[language]),
                tag=TAGS[language],
                tags=TAGS,
                endonyms=ENDONYMS,
                portal=places.path,
                framed=places.framed,
                provider=places.provider,
            )
        )
        answer.set_cookie(COOKIE, language, samesite="Lax", httponly=True)
        answer.headers["Content-Security-Policy"] = f"default-src 'self'; frame-src {places.framed}"
        return answer

    @app.get("/")
    def home() -> Response:
        return page("home")

    @app.get("/desk")
    def desk() -> Response:
        return page("desk")

    return app


def with_portal(site: Flask, places: Places, portal: Flask) -> DispatcherMiddleware:
    """Mount the portal in the site's path, as docs/embedding.md has it for a Flask host."""
    return DispatcherMiddleware(site, {places.path: portal})
