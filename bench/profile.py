"""Tell where a page's time goes, by area: a profile of the portal in this process.

    python -m bench.profile [--path /partner/dashboard] [--size 1k|100k|1m]

Shares come from a profile, which weighs calls too heavily; the milliseconds beside them are the shares of
what the page takes when nobody profiles it.
"""

import argparse
import cProfile
import pstats
from collections import Counter
from time import process_time
from typing import Any

from flask import Flask
from werkzeug.test import create_environ

from bench.database import SESSION, databases, settings
from bench.facts import SIZES
from bench.tables import milliseconds, table
from webapp.app import create_app
from webapp.models import db

TIMES = 40
# The area of a file by a part of its path; the first that fits counts.
AREAS = (
    ("templates", ("/templates/", "/jinja2/", "/markupsafe/")),
    ("texts, dates and numbers", ("/babel/", "/flask_babel/", "/gettext.py", "i18n.py")),
    ("labels", ("/webapp/labels/",)),
    ("SQL", ("/sqlalchemy/", "/psycopg", "/flask_sqlalchemy/", "/webapp/models/")),
    ("forms", ("/wtforms/", "/flask_wtf/")),
    ("session and user", ("/itsdangerous/", "/flask_login/", "/hmac.py", "flask/sessions.py")),
    ("addresses", ("/werkzeug/routing/", "/urllib/")),
    ("compression", ("/gzip.py",)),
    ("limits", ("/flask_limiter/", "/limits/")),
    ("request and headers", ("/flask/", "/werkzeug/")),
    ("the portal's own code", ("/webapp/",)),
)
OTHER = "Python itself"
Function = tuple[str, int, str]


def area(path: str) -> str | None:
    """Name the area of a file; None for built-in functions, which count for their callers."""
    if path == "~":
        return None
    found = (name for name, parts in AREAS if any(part in path for part in parts))
    return next(found, OTHER)


def shares(profile: cProfile.Profile) -> Counter[str]:
    """Sum the seconds of a profile by area."""
    sums: Counter[str] = Counter()
    stats: dict[Function, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (path, _, _), (_, _, own, _, callers) in stats.items():
        place = area(path)
        if place:
            sums[place] += own
            continue
        for (caller, _, _), (_, _, seconds, _) in callers.items():
            sums[area(caller) or OTHER] += seconds
    return sums


def ask(app: Flask, environ: dict[str, Any]) -> None:
    """Ask for a page as a server does, so that no test client is measured."""
    statuses: list[str] = []
    for _ in range(TIMES):
        for _part in app(environ.copy(), lambda status, headers: statuses.append(status)):  # type: ignore[arg-type]
            pass
    assert set(statuses) == {"200 OK"}, statuses


def signed_in(app: Flask, path: str) -> dict[str, Any]:
    """Make the environment of a request by the partner's admin."""
    client = app.test_client()
    with client.session_transaction() as session:
        # As signing in leaves it.
        session["_user_id"] = SESSION
    # The first page leaves a cookie as later ones find it.
    client.get(path)
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie
    return create_environ(path, headers={"Cookie": f"{name}={cookie.value}"})


def profiled(url: str, path: str) -> tuple[Counter[str], float]:
    """Return the shares of a page by area, and the milliseconds that it takes without a profile."""
    app = create_app(settings(url))
    environ = signed_in(app, path)
    ask(app, environ)
    begun = process_time()
    ask(app, environ)
    whole = (process_time() - begun) * 1000 / TIMES
    profile = cProfile.Profile()
    profile.enable()
    ask(app, environ)
    profile.disable()
    with app.app_context():
        db.engine.dispose()
    return shares(profile), whole


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", default="/partner/dashboard")
    parser.add_argument("--size", choices=SIZES, default="1k")
    chosen = parser.parse_args()
    with databases("sqlite") as filled, filled(SIZES[chosen.size]) as url:
        sums, whole = profiled(url, chosen.path)
    total = sum(sums.values())
    lines = [
        [name, f"{seconds / total:.0%}", milliseconds(whole * seconds / total)]
        for name, seconds in sums.most_common()
    ]
    print(f"{chosen.path} of {chosen.size} clients on sqlite, {milliseconds(whole)} ms\n")
    print(table(["area", "share", "ms"], lines))


if __name__ == "__main__":
    main()
