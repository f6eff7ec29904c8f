"""A demo in a temporary folder and on a free port, for tools that look at the portal as people do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORTAL = Path(sys.executable).with_name("portal")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served_demo() -> Iterator[str]:
    """Load and serve a demo; yields its address."""
    address = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory() as folder:
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")
        }
        environment = {
            **others,
            "PORTAL_DEMO": "1",
            "PORTAL_INSTANCE_PATH": folder,
            "PORTAL_BASE_URL": address,
        }
        subprocess.run(
            [PORTAL, "demo", "load"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        port = address.rpartition(":")[2]
        server = subprocess.Popen(
            [PORTAL, "serve", "--port", port], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_for(f"{address}/readyz")
            yield address
        finally:
            server.terminate()
            server.wait()


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            time.sleep(0.2)
    raise TimeoutError(address)
