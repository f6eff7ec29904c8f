"""The amount of examples, and where pages lie: ``make proof`` asks for many times those at the gate."""

import os

# 1 at the gate: the same few examples each time. More: so many times as many, and new ones each time.
TIMES = int(os.environ.get("PORTAL_PROOF_TIMES", "1"))
# Below which path pages are tested; empty at the gate, where only a sample lies below one, too.
PATH = os.environ.get("PORTAL_PROOF_PATH", "")
