"""Measure whether a worker's memory grows with its backlog: a long queue beside a short one.

    python -m bench.memory

Each queue is planned and sent by a process of its own. Ten times the mails may cost a little more memory.
"""

import resource
import subprocess
import sys

# So many turns of bench.deliver's clients are planned before the first mail is sent.
SHORT, LONG = 3, 30
# Caches of limited size, of names and statements, fill up on the way.
FLOOR = 1.15


def peak(turns: int) -> None:
    """Send the mails of so many turns from one queue, and print the process's peak memory in KiB."""
    from bench import deliver

    with deliver.portal() as (transport, _port):
        for turn in range(turns):
            deliver.fill(turn)
        deliver.through_the_portal(transport)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def measured(turns: int) -> int:
    run = subprocess.run(
        [sys.executable, "-m", "bench.memory", str(turns)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(run.stdout.split()[-1])


def main() -> int:
    short, long = measured(SHORT), measured(LONG)
    print(
        f"a worker's peak memory: {short / 1024:.0f} MiB; with ten times the queue: {long / 1024:.0f} MiB"
    )
    return 0 if long / short <= FLOOR else 1


if __name__ == "__main__":
    sys.exit(peak(int(sys.argv[1])) if sys.argv[1:] else main())
