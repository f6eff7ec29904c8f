"""Workers killed at random moments lose no mail and repeat none; `make kill-test` does it at full size."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_nothing_is_lost_and_nothing_sent_twice(database_url):
    # 100 kills over 1,000 mails in each mode.
    scenes = ["--scene", "kill -9", "--scale", "0.1"]
    # A process of its own, which forks: pytest's has threads.
    result = subprocess.run(
        [sys.executable, "-m", "tools.kill_test", "--database", database_url, *scenes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
