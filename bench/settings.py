"""Measure changed settings of a partner with 100,000 clients: the save, and the worker's rounds after it.

    python -m bench.settings [--size 1k|100k|1m] [--database sqlite|postgresql]

Sending is off, so that only what follows from the settings is measured, and no mail goes out.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event, update

from bench import postgres, servers
from bench.database import databases
from bench.facts import SIZES, team
from bench.tables import milliseconds, table
from webapp import worker
from webapp.app import create_app
from webapp.config import Settings
from webapp.domain.ownership import Owner
from webapp.models import Partner, User, db
from webapp.models.tables import partner_table, subscription_table
from webapp.models.transactions import writing
from webapp.services.accounts import partners

PARTNER = 1
NEW_STEPS = ":45,21,7,1/45,21,7,1"
NEW_RULE = "P60D"
MOST_ROUNDS = 10_000


@dataclass(slots=True)
class Work:
    """What something took, in processor milliseconds of this process and of the database's server.

    ``transactions``: the processor and the wall-clock milliseconds of each.
    """

    cpu: float = 0.0
    at_database: float = 0.0
    transactions: list[tuple[float, float]] = field(default_factory=list)


def now() -> tuple[float, float]:
    """Read both clocks in milliseconds: this process's processor time, and the wall's."""
    return process_time() * 1000, perf_counter() * 1000


def at_server(engine: Engine) -> float:
    """Read the processor milliseconds of the database's server; none for a file."""
    return servers.cpu(postgres.process()) if engine.dialect.name == "postgresql" else 0.0


@contextmanager
def watched(engine: Engine) -> Iterator[Work]:
    """Measure a block, and each transaction of the engine in it."""
    work, begun = Work(), dict[int, tuple[float, float]]()

    def begin(connection: Any) -> None:
        begun[id(connection)] = now()

    def end(connection: Any) -> None:
        (cpu, wall), (cpu_then, wall_then) = now(), begun.pop(id(connection))
        work.transactions.append((cpu - cpu_then, wall - wall_then))

    listeners = (("begin", begin), ("commit", end), ("rollback", end))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    cpu, server = now()[0], at_server(engine)
    try:
        yield work
    finally:
        work.cpu, work.at_database = now()[0] - cpu, at_server(engine) - server
        for name, listener in listeners:
            event.remove(engine, name, listener)


def change_default(actor: User, partner: Partner) -> None:
    wanted = replace(partners.default_of(partner), default_owner=Owner.PARTNER)
    partners.save_default(actor, partner, wanted)


def change_steps(actor: User, partner: Partner) -> None:
    wanted = replace(partners.schedule_of(partner), steps_text=NEW_STEPS)
    partners.save_schedule(actor, partner, wanted)


def change_rule(actor: User, partner: Partner) -> None:
    wanted = replace(partners.terms_of(partner), deadline_rule_text=NEW_RULE)
    partners.save_terms(actor, partner, wanted)


def let_follow_rule() -> None:
    """Let all deadlines follow their partner's rule, of which there is none yet."""
    deadline = subscription_table.c.deadline
    rows = update(subscription_table).where(deadline.is_not(None))
    db.session.execute(rows.values(deadline_by_rule=True))


CHANGES = {
    "default owner": change_default,
    "steps": change_steps,
    "rule for deadlines": change_rule,
}


def save(engine: Engine, change: Callable[[User, Partner], None]) -> Work:
    """Save as the page does: load the actor and the partner, change, commit."""
    with watched(engine) as work:
        actor, partner = (
            db.session.get_one(User, team(PARTNER)[0]),
            db.session.get_one(Partner, PARTNER),
        )
        change(actor, partner)
        db.session.commit()
    db.session.remove()
    return work


def rounds(app: Flask, engine: Engine) -> tuple[int, Work]:
    """Run rounds of a worker until one plans and sends nothing; return their number and what they took."""
    with watched(engine) as work:
        for number in range(1, MOST_ROUNDS):
            if not any(worker.once(app).values()):
                return number, work
    raise AssertionError("the worker never rests")


def line(name: str, work: Work, number: int | None = None) -> list[str]:
    count = "" if number is None else f"{number} / {len(work.transactions):,}"
    longest = (max(clock) for clock in zip(*work.transactions, strict=True))
    return [
        name,
        *map(milliseconds, (work.cpu, work.at_database)),
        count,
        *map(milliseconds, longest),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="100k")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    lines = []
    with (
        databases(chosen.database) as filled,
        filled(SIZES[chosen.size]) as url,
        # One of its own, since workers remember there what a database held.
        TemporaryDirectory() as folder,
    ):
        app = create_app(Settings(database_url=url, instance_path=folder, log_level="ERROR"))
        writing.set(True)
        with app.app_context():
            engine = db.engine
            db.session.execute(update(partner_table).values(sending=False))
            db.session.commit()
            number, before = rounds(app, engine)
            lines.append(line("the worker, nothing to do", before, number))
            for name, change in CHANGES.items():
                if change is change_rule:
                    # Not before: the first change of all would let them move.
                    let_follow_rule()
                    db.session.commit()
                lines.append(line(f"{name}: the save", save(engine, change)))
                number, after = rounds(app, engine)
                lines.append(line(f"{name}: the worker after it", after, number))
            db.session.remove()
            engine.dispose()
    print(
        f"Settings of a partner with {len(SIZES[chosen.size].own):,} clients on {chosen.database}\n"
    )
    heads = ["", "CPU ms", "database ms", "rounds / transactions"]
    print(table([*heads, "longest, CPU ms", "longest, wall ms"], lines))


if __name__ == "__main__":
    main()
