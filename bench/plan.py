"""Measure how long planning takes: a million subscriptions on SQLite, about 16,000 of them due.

Of one in seven of these the term is over, as after the six steps of a year, and they renew by themselves: their dates
move on, with an entry in the trail.

    python -m bench.plan

The floor that it must keep is 1 second of the processor for the first run of a loaded process; a second run
finds nothing and must not take longer.
"""

import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from webapp.app import create_app
from webapp.cli.migrating import upgrade
from webapp.config import Settings
from webapp.models import AuditEntry, Installation, db
from webapp.models.audit import AuditAction
from webapp.models.transactions import writing
from webapp.services.reminders import planning

SUBSCRIPTIONS = 1_000_000
PER_CLIENT = 2
NOW = datetime(2027, 3, 1, 10, tzinfo=UTC)
# One in 62 has a step that falls due: on this very day, or on one of the days that the worker was away.
SPREAD = 62
DAYS_AWAY = 4
# Of one in so many that are due the term is over: a year has six steps and an end.
OVER = 7
FLOOR = 1.0


def fill(path: Path) -> None:
    """Write the rows past the application. Planning doesn't need them to come from its services."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA foreign_keys=OFF")
    clients = SUBSCRIPTIONS // PER_CLIENT
    moment = "2027-01-01 00:00:00.000000"
    organisation = "INSERT INTO organisation VALUES (?,?,?,'en',?,?,1)"
    columns = "(id,kind,name,language,time_zone,created_at,version)"
    organisation = organisation.replace("organisation VALUES", f"organisation {columns} VALUES")
    base.execute(organisation, (1, "partner", "Odnowa", "Europe/Warsaw", moment))
    base.execute(
        "INSERT INTO partner (id,slug,default_owner,steps,window_opens,window_closes,window_days,"
        "sending,insistent) VALUES (1,'odnowa','vendor',':90,60,30,14,7,1/90,60,30,14,7,1',"
        "'09:00:00.000000','17:00:00.000000','01234',1,0)"
    )
    zones = ("Europe/Warsaw", "America/Sao_Paulo", "Europe/London")
    base.executemany(
        organisation,
        ((2 + n, "client", f"Client {n}", zones[n % 3], moment) for n in range(clients)),
    )
    base.executemany(
        "INSERT INTO client (id,partner_id,name_key,sort_key,search_key,words,first_decision_on,"
        "second_decision_on,undecided_on,owner_version) "
        "VALUES (?,1,?,?,?,?,'2027-03-31','9999-12-31','2027-03-31',1)",
        ((2 + n, *[f"client {n}"] * 4) for n in range(clients)),
    )
    base.executemany(
        "INSERT INTO subscription (id,partner_id,open_choice,client_id,product,product_key,term_months,renewal_date,"
        "anchor_day,renews_itself,cancelled,cycle,attention_on,version) "
        "VALUES (?,1,'inherit',?,?,?,?,?,?,?,0,1,?,1)",
        map(subscription, range(SUBSCRIPTIONS)),
    )
    # Of what is over the last step was told.
    base.execute(
        "INSERT INTO reminder (subscription_id,client_id,base_date,step,cycle,due_on,state,planned_at) "
        "SELECT id,client_id,renewal_date,1,1,date(renewal_date,'-1 day'),'issued',? "
        "FROM subscription WHERE renews_itself",
        (moment,),
    )
    base.commit()
    base.execute("ANALYZE")
    base.close()


def subscription(n: int) -> tuple[object, ...]:
    """Make one row. Its first step, 90 days before, is due by today or on a later day, or its term is over."""
    turn, place = divmod(n, SPREAD)
    days = 2 + n % 250 if place else -(turn % (1 + DAYS_AWAY))
    attention = NOW.date() + timedelta(days=days)
    over = not place and turn % OVER == 0
    renewal = attention + timedelta(days=-1 if over else 90)
    client_id, term = 2 + n // PER_CLIENT, 12 * (1 + turn % 3)
    key = f"p{n % 2}"
    dates = (term, str(renewal), renewal.day, over, str(attention))
    return (1 + n, client_id, key.upper(), key, *dates)


def run() -> tuple[float, int]:
    """Measure the processor seconds of one planning pass, and the number of subscriptions that it looked at."""
    begun = time.process_time()
    looked_at = 0
    for planned in planning.plan(NOW):
        db.session.commit()
        looked_at += planned
    db.session.commit()
    return time.process_time() - begun, looked_at


def rolled() -> int:
    """Count the subscriptions whose term was over."""
    here = select(func.count()).where(AuditEntry.action == AuditAction.SUBSCRIPTION_ROLLED)
    return db.session.scalar(here) or 0


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.db"
        app = create_app(Settings(instance_path=folder, database_url=f"sqlite:///{path}"))
        writing.set(True)
        with app.app_context():
            upgrade()
            db.session.remove()
            db.engine.dispose()
            fill(path)
            assert db.session.get(Installation, 1)
            db.session.commit()
            first, planned = run()
            second, _ = run()
            over = rolled()
            db.engine.dispose()
    due = f"{planned:,} due, {over:,} of them rolled"
    print(f"planning {SUBSCRIPTIONS:,} subscriptions, {due}: {first:.2f} s")
    print(f"a second run: {second:.3f} s")
    return 0 if first <= FLOOR and second <= first else 1


if __name__ == "__main__":
    sys.exit(main())
