"""Measuring pages in turns: the processor time of the servers' processes while a client asks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

from bench import servers
from bench.contenders import Contender

ROUNDS = 5
# A turn asks for as many pages as take about so long, and a page that takes longer is measured once.
TURN_SECONDS, FEWEST, MOST = 0.25, 4, 32
LONG_SECONDS = 1.0


@dataclass(slots=True)
class Figures:
    """Processor milliseconds a request, one figure a turn: of the workers, and of the database's server."""

    workers: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    @property
    def own(self) -> float:
        return median(self.workers)

    @property
    def at_database(self) -> float:
        return median(self.database)

    @property
    def whole(self) -> float:
        return self.own + self.at_database


Results = dict[str, dict[str, Figures]]


def measure(all: Sequence[Contender], database: int | None) -> Results:
    """Measure page by page, all contenders in turns. ``database``: the first process of its server, if any."""
    results: Results = defaultdict(dict)
    for page in all[0].pages:
        takers = [contender for contender in all if page in contender.pages]
        counts = {contender.name: warmed(contender, page) for contender in takers}
        for number in range(ROUNDS):
            for contender in takers:
                count, rounds = counts[contender.name]
                if number < rounds:
                    figures = results[page].setdefault(contender.name, Figures())
                    turn(contender, page, count, figures, database)
    return results


def warmed(contender: Contender, page: str) -> tuple[int, int]:
    """Ask for a page until both workers know it; return the number of requests a turn, and of turns."""
    requests = contender.pages[page](contender.visitor, 2 * servers.WORKERS)
    begun = perf_counter()
    contender.visitor.ask_all(requests)
    seconds = (perf_counter() - begun) / len(requests)
    if seconds > LONG_SECONDS:
        return servers.WORKERS, 1
    return min(MOST, max(FEWEST, round(TURN_SECONDS / seconds))), ROUNDS


def turn(
    contender: Contender, page: str, count: int, figures: Figures, database: int | None
) -> None:
    requests = contender.pages[page](contender.visitor, count)
    before = servers.cpu(contender.server.pid), servers.cpu(database) if database else 0.0
    contender.visitor.ask_all(requests)
    after = servers.cpu(contender.server.pid), servers.cpu(database) if database else 0.0
    figures.workers.append((after[0] - before[0]) / count)
    figures.database.append((after[1] - before[1]) / count)
