"""Run all benches one after the other; fail when a floor is not kept (the last of `make bench-all`)."""

import sys

from bench import deliver, memory, plan, workers

if __name__ == "__main__":
    sys.exit(max(plan.main(), deliver.main(), workers.main(), memory.main()))
