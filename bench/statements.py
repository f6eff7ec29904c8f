"""Count the SQL statements of pages, in a pass of its own that nobody times."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import event

from bench.browsing import Request, Visitor
from bench.database import settings
from webapp.app import create_app
from webapp.models import db


def counted(url: str, visitor: Visitor, requests: Mapping[str, Request]) -> dict[str, int]:
    """Ask the portal for each page by its own cookies, in this process, and count the statements."""
    app = create_app(settings(url))
    client = app.test_client()
    for name, value in visitor.cookies.items():
        client.set_cookie(name, value, domain="127.0.0.1")
    log: list[str] = []
    with app.app_context():
        engine = db.engine

    def remember(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        log.append(statement)

    event.listen(engine, "before_cursor_execute", remember)
    base = {"base_url": "http://127.0.0.1"}
    client.get("/sign-in", **base)
    counts = {}
    for name, request in requests.items():
        log.clear()
        headers = dict(request.headers)
        if request.form is None:
            answer = client.get(request.path, headers=headers, **base)
        else:
            answer = client.post(request.path, data=request.form, headers=headers, **base)
        assert answer.status_code in (200, 303), f"{name}: {answer.status}"
        counts[name] = len(log)
    engine.dispose()
    return counts
