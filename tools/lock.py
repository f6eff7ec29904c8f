"""Write the lock files again, from setup.cfg, for every supported Python at once.

pip-compile pins for the Python that runs it, and Python 3.11 needs packages that 3.13 does not; uv resolves for
all of them. Hashes go in, addresses stay out, so that any mirror serves.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
# The packages that build are locked, too: the project itself is installed without build isolation. The files for
# browsers are compressed at build, so that running the portal needs no Brotli.
BUILDERS = "setuptools>=77\nbrotli>=1.2\n"
HEADER = "# Written by make lock from setup.cfg.\n"


def compile_lock(name: str, *arguments: str) -> None:
    path = ROOT / name
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade"),
            *("--universal", "--fork-strategy", "fewest", "--python-version", "3.11"),
            *(
                "--generate-hashes",
                "--no-annotate",
                "--no-header",
                *arguments,
                "--output-file",
                str(path),
                "setup.cfg",
                "-",
            ),
        ],
        cwd=ROOT,
        input=BUILDERS,
        text=True,
        check=True,
    )
    path.write_text(HEADER + path.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", UV], check=True)
    # The wider one first: what an extra needs may hold back what the portal alone could have newer.
    compile_lock(
        *("requirements-dev.lock", "--extra", "scale", "--extra", "sso", "--extra", "test")
    )
    compile_lock("requirements.lock", "--constraint", "requirements-dev.lock")


if __name__ == "__main__":
    main()
