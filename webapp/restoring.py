"""A database that came back from a backup: what fell due since is held, and sending may go on.

What the lost database knew is gone, but most of it can be foretold: the hours since the backup are played again, with
planning and claiming at each moment, as a worker does it. So each lost mail has a twin with the same Message-ID.
Nothing is sent: a twin is *not sure* until a person, or a mail log, says what became of it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from webapp import worker
from webapp.models import Installation, db
from webapp.models.installation import fresh
from webapp.services import runtime
from webapp.services.sending import claims, handing_over, held, marks
from webapp.services.sending.held import Held

# Local days begin, and sending windows open, at a quarter of an hour somewhere.
STEP = timedelta(minutes=15)


def restore(backup_at: datetime) -> Sequence[Held]:
    """Hold all that fell due between a backup and the hold, and let sending go on. Returns what is held.

    It commits step by step, and may be begun again if it was broken off: until it is done, sending is on hold.
    """
    marks.hold()
    # Since then nothing was sent: what falls due later, or was queued meanwhile, goes out as usual.
    held_at = db.session.scalars(select(Installation.held_at)).one() or datetime.now(UTC)
    until = runtime.now() - (datetime.now(UTC) - held_at)
    worker.commit()
    held.in_hand(backup_at)
    worker.commit()
    worker.follow(None)
    for moment in moments(backup_at, until):
        play(moment)
    # A backup of before has the name of before: put back once more, it meets the old mark.
    db.session.execute(update(Installation).values(lineage=fresh(), held_at=None))
    worker.commit()
    return held.listed()


def moments(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the moments to play: the first, each quarter of an hour, the last."""
    yield start
    moment = start + STEP - (start - datetime.min.replace(tzinfo=start.tzinfo)) % STEP
    while moment < end:
        yield moment
        moment += STEP
    yield end


def play(moment: datetime) -> None:
    """Do at a moment what a worker would have done, but hold what it would have sent."""
    claims.expire(moment)
    worker.commit()
    worker.plan(moment, None)
    while (taken := handing_over.claim(moment)) is not None:
        held.hold(taken, moment)
        worker.commit()
