"""Plans of a list in memory, however long it is: all but the latest lie in a temporary file."""

import os
import pickle
import tempfile
import weakref
from array import array

from webapp.services.imports.plans import ClientPlan

# So many plans stay in memory. They are enough for most lists.
MOST_OPEN = 20_000


class Shelf:
    """Plans by place, counted from 0. A plan that was got stays the same object until the next ``tidy``."""

    def __init__(self) -> None:
        self.open: dict[int, ClientPlan] = {}
        # The place of each plan in the file, where it has been put away.
        self.offsets = array("q")
        self.file = tempfile.TemporaryFile()  # noqa: SIM115
        # A report still reads from it, so that it goes with the last who does.
        weakref.finalize(self, self.file.close)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, place: int) -> ClientPlan:
        plan = self.open.get(place)
        if plan is None:
            plan = self.open[place] = self.load(place)
        return plan

    def peek(self, place: int) -> ClientPlan:
        """Return a plan to be read only: it is not kept in memory for that."""
        return self.open.get(place) or self.load(place)

    def load(self, place: int) -> ClientPlan:
        self.file.seek(self.offsets[place])
        # Nobody else can write to this file: it has no name.
        plan: ClientPlan = pickle.load(self.file)  # nosec B301
        return plan

    def add(self, plan: ClientPlan) -> int:
        """Put a plan behind all others, and return its place."""
        place = len(self)
        self.open[place] = plan
        self.offsets.append(-1)
        return place

    def tidy(self) -> None:
        """Put the plans away if there are too many."""
        if len(self.open) <= MOST_OPEN:
            return
        end = self.file.seek(0, os.SEEK_END)
        for place, plan in self.open.items():
            self.offsets[place] = end
            end += self.file.write(pickle.dumps(plan, pickle.HIGHEST_PROTOCOL))
        self.open.clear()
