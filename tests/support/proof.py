"""How much more is tried than at the gate: ``make proof`` asks for many times the examples."""

import os

# At the gate 1: the same few examples each time. More: that many times as many, other ones each time.
TIMES = int(os.environ.get("PORTAL_PROOF_TIMES", "1"))
