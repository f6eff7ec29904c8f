"""Workers killed at random moments lose no mail and repeat none; `make kill-test` does it at full size."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


# 50 kills over 500 mails in each mode.
@pytest.mark.parametrize(
    ("scenes", "scale"), [("kill -9", "0.05"), ("SIGTERM", "0.2")], ids=["killed", "stopped"]
)
def test_nothing_is_lost_and_nothing_sent_twice(database_url, scenes, scale):
    command = ["-m", "tools.kill_test", "--database", database_url]
    # A process of its own, which forks: pytest's has threads.
    result = subprocess.run(
        [sys.executable, *command, "--scene", scenes, "--scale", scale],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
