"""The amount of examples: ``make proof`` asks for many times those at the gate."""

import os

# 1 at the gate: the same few examples each time. More: so many times as many, and new ones each time.
TIMES = int(os.environ.get("PORTAL_PROOF_TIMES", "1"))
