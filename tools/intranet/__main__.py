"""Show the demo's intranet: ``python -m tools.intranet``, which ``make demo-intranet`` does. Ctrl+C ends all of it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from wsgiref.types import WSGIApplication

from waitress.server import create_server

from tools.intranet import people, provider, site
from tools.intranet.site import Places
from tools.served_demo import PORTAL, wait_for
from webapp import config
from webapp.app import create_app

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
SAID = """\
The intranet:               {places.site}
The portal in its path:     {places.portal}/
The portal in its frame:    {places.site}/desk
The identity provider:      {places.provider}/
(stop all of it with Ctrl+C)"""


def places_at(port: int) -> Places:
    """Lay out the addresses from a port on. For browsers, localhost and 127.0.0.1 are two sites."""
    return Places(
        site=f"http://{HOST}:{port}",
        framed=f"http://localhost:{port + 1}",
        provider=f"http://{HOST}:{port + 2}",
    )


def settings(places: Places, instance: Path) -> dict[str, str]:
    """The settings of both portals, as the environment has them, but for what is each one's own."""
    return {
        "PORTAL_DEMO": "1",
        "PORTAL_INSTANCE_PATH": str(instance),
        "PORTAL_LANGUAGE": "en",
        "PORTAL_SIGN_IN": "oidc,password",
        "PORTAL_SIGN_IN_PARTNER": people.PARTNER,
        "PORTAL_SIGN_IN_GROUPS": people.ROLES,
        "PORTAL_OIDC_ISSUER": places.provider,
        "PORTAL_OIDC_CLIENT_ID": people.CLIENT_ID,
        "PORTAL_OIDC_CLIENT_SECRET": people.CLIENT_SECRET,
        "PORTAL_THEME_PATH": str(site.FOLDER / "look"),
    }


def in_path(places: Places, shared: dict[str, str]) -> dict[str, str]:
    return shared | {"PORTAL_BASE_URL": places.portal}


def in_frame(places: Places, shared: dict[str, str]) -> dict[str, str]:
    return shared | {"PORTAL_BASE_URL": places.framed, "PORTAL_FRAME_ANCESTORS": places.site}


def refuse_taken(*ports: int) -> None:
    """End, with a way out, if somebody else listens at one of the ports."""
    for port in ports:
        try:
            socket.create_server((HOST, port)).close()
        except OSError as error:
            raise SystemExit(
                f"Can't listen at {HOST}:{port}: {error.strerror}. Try PORT=9000."
            ) from None


@contextmanager
def framed_portal(places: Places, environment: dict[str, str], port: int) -> Iterator[None]:
    """Run the portal that the frame shows, as a server of its own; the demo's worker runs inside."""
    command = [str(PORTAL), "serve", "--port", str(port)]
    # In a group of its own: Ctrl+C comes to this process, which ends it.
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(f"{places.framed}/readyz")
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def beside(app: WSGIApplication, port: int) -> Iterator[None]:
    """Serve an app in a thread of this process."""
    server = create_server(app, host=HOST, port=port)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield
    finally:
        server.close()


def show(port: int, instance: Path, reset: bool) -> None:
    """Load the demo's data, unless they are there, and serve all four until somebody ends it."""
    refuse_taken(port, port + 1, port + 2)
    places = places_at(port)
    others = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    shared = others | settings(places, instance)
    print("The demo's data are made, if they are not there; that takes half a minute.", flush=True)
    load = [str(PORTAL), "demo", "load", *(["--reset"] if reset else [])]
    quietly = in_path(places, shared) | {"PORTAL_LOG_LEVEL": "ERROR"}
    subprocess.run(load, env=quietly, check=True, stdout=subprocess.DEVNULL)
    portal = create_app(config.load(in_path(places, shared)))
    hub = site.with_portal(site.create_app(places), places, portal)
    identities = provider.create_app(places.provider, people.PEOPLE, [people.client(places)])
    with beside(identities, port + 2), framed_portal(places, in_frame(places, shared), port + 1):
        front = create_server(hub, host=HOST, port=port, threads=8)
        # Whoever reads it may come at once: the server listens already.
        print(SAID.format(places=places), flush=True)
        front.run()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo-intranet", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the first of three ports")
    parser.add_argument("--instance", type=Path, default=ROOT / "instance" / "intranet")
    parser.add_argument("--reset", action="store_true", help="start over with the demo's data")
    chosen = parser.parse_args()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        show(chosen.port, chosen.instance, chosen.reset)


if __name__ == "__main__":
    main()
