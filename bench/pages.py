"""Measure every page beside a floor and two peers, in turns: `make bench SIZE=1k DATABASE=sqlite`.

    python -m bench.pages [--size 1k|100k|1m] [--database sqlite|postgresql] [--only dialog]

The tables are Markdown. docs/performance.md explains what they tell.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import create_engine

from bench import browsing, cold, contenders, postgres, servers, statements
from bench.browsing import PACKED, Request, Visitor
from bench.contenders import Contender, Turn
from bench.database import BUILD, MAIL_SERVER, databases
from bench.facts import SIZES, Size
from bench.measuring import Results, measure
from bench.servers import Server
from bench.tables import milliseconds, table, times

PORTAL, SMALL = "portal", "portal at 1k"
SignIn = Callable[[int], Visitor]
Pages = Callable[[Size], dict[str, Turn]]
PEERS = ("floor", "Flask-Admin", "Django admin")
# What the server itself takes, beside each list of clients.
EMPTY = "an empty answer"


@contextmanager
def portal(url: str, size: Size, name: str, only: str) -> Iterator[Contender]:
    """Serve the portal, and sign in. ``only``: the beginning of the pages' names."""
    settings = portal_settings(url)
    log = f"portal-{size.name}"
    with servers.serving(sys.executable, "wsgi:app", settings, log) as server:
        memory = servers.memory(server.pid)
        visitor = browsing.at_portal(server.port)
        with create_engine(url).connect() as base:
            every = contenders.portal_pages(base, size)
        pages = {page: turn for page, turn in every.items() if page.startswith(only)}
        yield Contender(name, server, memory, visitor, pages)


def portal_settings(url: str) -> dict[str, str]:
    return {
        "PORTAL_DATABASE_URL": url,
        "PORTAL_INSTANCE_PATH": str(BUILD),
        "PORTAL_LOG_LEVEL": "ERROR",
        "PORTAL_MAIL_URL": MAIL_SERVER,
    }


@contextmanager
def peers(url: str, size: Size) -> Iterator[list[Contender]]:
    """Serve the floor and the two peers from the portal's own database."""
    python, environment = servers.peers_python(), {"BENCH_DATABASE": url}
    subprocess.run(
        [python, "-m", "bench.peers.django_site"],
        check=True,
        cwd=servers.ROOT,
        env=servers.inherited() | environment,
    )
    with ExitStack() as stack:

        def serve(interpreter: str, module: str) -> Server:
            app = f"bench.peers.{module}:app"
            return stack.enter_context(servers.serving(interpreter, app, environment, module))

        def contender(name: str, server: Server, sign_in: SignIn, pages: Pages) -> Contender:
            memory = servers.memory(server.pid)
            return Contender(name, server, memory, sign_in(server.port), pages(size))

        def nothing(_size: Size) -> dict[str, Turn]:
            return {contenders.CLIENTS: contenders.each_time("/nothing")}

        floor = serve(sys.executable, "floor")
        flask_admin, django = serve(python, "flask_site"), serve(python, "django_site")
        yield [
            contender(PEERS[0], floor, browsing.at_floor, contenders.floor_pages),
            contender(PEERS[1], flask_admin, browsing.at_flask_admin, contenders.flask_admin_pages),
            contender(PEERS[2], django, browsing.at_django, contenders.django_pages),
            contender(EMPTY, floor, browsing.at_floor, nothing),
        ]


def sizes_of(portal: Contender) -> dict[str, tuple[int, int]]:
    """Weigh each page, plain and packed for a browser, in bytes."""
    weights = {}
    for page, turn in portal.pages.items():
        if "save" in page:
            continue
        [request] = turn(portal.visitor, 1)
        packed = Request(request.path, headers={**request.headers, **PACKED})
        plain, small = portal.visitor.ask(request), portal.visitor.ask(packed)
        weights[page] = (len(plain.body), len(small.body))
    return weights


def report(
    results: Results, counts: dict[str, int], weights: dict[str, tuple[int, int]], on_server: bool
) -> str:
    """Write two tables: each page of the portal, and the pages that others have, too."""
    ours = [page for page in results if PORTAL in results[page]]
    beside_small = any(SMALL in results[page] for page in ours)
    heads = ["page", "CPU ms", *["database ms"] * on_server, *["beside 1k"] * beside_small]
    lines = []
    for page in ours:
        figures = results[page][PORTAL]
        line = [page, milliseconds(figures.own)]
        line += [milliseconds(figures.at_database)] * on_server
        if beside_small:
            line.append(times(figures.whole / results[page][SMALL].whole))
        plain, packed = weights.get(page, (0, 0))
        line += [str(counts[page]), *(f"{size:,}" if size else "" for size in (plain, packed))]
        lines.append(line)
    whole = table([*heads, "statements", "bytes", "gzip"], lines)
    rivals = [page for page in ours if PEERS[0] in results[page]]
    beside = table(
        ["page", PORTAL, *PEERS, *(f"{name} / portal" for name in PEERS)],
        [
            [
                page,
                *(milliseconds(results[page][name].whole) for name in (PORTAL, *PEERS)),
                *(times(results[page][name].whole / results[page][PORTAL].whole) for name in PEERS),
            ]
            for page in rivals
        ],
    )
    return f"{whole}\n\n{beside}" if rivals else whole


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="1k")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", default="", help="only pages whose names begin so")
    chosen = parser.parse_args()
    # Whoever stops the bench stops its servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    size = SIZES[chosen.size]
    on_server = chosen.database == "postgresql"
    with databases(chosen.database) as filled, ExitStack() as stack:
        url = stack.enter_context(filled(size))
        own = stack.enter_context(portal(url, size, PORTAL, chosen.only))
        contending = [own, *stack.enter_context(peers(url, size))]
        if size.name != "1k":
            small = stack.enter_context(filled(SIZES["1k"]))
            contending.append(stack.enter_context(portal(small, SIZES["1k"], SMALL, chosen.only)))
        weights = sizes_of(own)
        requests = {page: turn(own.visitor, 1)[0] for page, turn in own.pages.items()}
        counts = statements.counted(url, own.visitor, requests)
        results = measure(contending, postgres.process() if on_server else None)
        made, answered = cold.started(portal_settings(url))
    print(f"{size.clients:,} clients on {chosen.database}\n")
    print(report(results, counts, weights, on_server))
    if empty := results[contenders.CLIENTS].get(EMPTY):
        print(
            f"\nOf each answer {milliseconds(empty.own)} ms are the server's: an empty one takes as long."
        )
    print(
        f"\nA cold start: {made:.0f} ms until the portal is made, {answered:.0f} to its first answer.\n"
    )
    memories = [
        [one.name, *(f"{size:.0f}" for size in one.memory)]
        for one in contending
        if one.name != EMPTY
    ]
    print(table(["a worker before anybody signs in", "resident MB", "proportional MB"], memories))


if __name__ == "__main__":
    main()
