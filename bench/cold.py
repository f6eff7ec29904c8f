"""Measure a cold start: the processor's milliseconds until the portal is made, and until its first answer."""

import subprocess
import sys
from statistics import median

from bench.database import ROOT
from bench.servers import inherited

TIMES = 5
# Nothing but the portal may be imported there.
PROCESS = """
import io, time
from webapp.app import create_app
app = create_app()
made = time.process_time()
asked = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/sign-in", "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1",
    "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
    "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False}
body = b"".join(app(asked, lambda status, headers: None))
assert b"</html>" in body
print(made * 1000, time.process_time() * 1000)
"""


def started(settings: dict[str, str]) -> tuple[float, float]:
    """Start new processes with the portal's settings; return the medians of both times."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            cwd=ROOT,
            env=inherited() | settings,
            check=True,
            capture_output=True,
            text=True,
        )
        for _ in range(TIMES)
    ]
    pairs = [[float(word) for word in run.stdout.split()] for run in runs]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
