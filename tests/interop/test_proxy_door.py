"""Proxies that sign people in, set up as docs/embedding.md has it: Apache by itself, nginx by asking a service."""

import re
import shlex
import threading
from contextlib import contextmanager
from subprocess import run as call
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests

from tests.interop import fronts, kerberos
from tests.interop.programs import Program, running
from tests.support.recipes import snippet
from tools.served_demo import PORTAL, free_port

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
APACHE, NGINX = "Apache signs people in", "nginx asks a sign-in service"
KERBEROS = "Apache with Kerberos"
PATH = "/apps/portal"
# All that somebody outside may make up, in both ways of writing that a program may take for the same.
FORGED = {
    "Remote-User": "bob",
    "Remote_User": "bob",
    "Remote-Email": "bob@odnowa.example",
    "Remote_Email": "bob@odnowa.example",
    "Remote-Groups": "portal-admins",
    "X-Portal-Secret": "a guess that is long enough to be taken for one",
}
PROGRAMS = {"/api/renewals": 401, "/reached": 404, "/calendar/none.ics": 404}


def stated(*titles):
    """The settings in the shell blocks of recipes."""
    words = [word for title in titles for word in shlex.split(snippet(title, "sh"))]
    return dict(word.split("=", 1) for word in words)


class Intranet:
    """The host in front of the portal: where it is reached, and the portal's environment."""

    def __init__(self, environment, chosen):
        self.port, self.inner = free_port(), free_port()
        self.address = f"https://localhost:{self.port}"
        own = {
            "PORTAL_BASE_URL": self.address + PATH,
            "SSL_CERT_FILE": str(fronts.CERTIFICATE),
        }
        self.env = environment | chosen | own

    def piece(self, title, language):
        return snippet(title, language).replace(fronts.PORTAL, f"127.0.0.1:{self.inner}")

    def faults(self):
        """The last step of each recipe; empty if the portal finds none in its way."""
        ran = call([PORTAL, "check", "--public"], env=self.env, capture_output=True, text=True)
        return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.fixture
def intranet(cast, environment, place):
    """Serve a portal behind an intranet: ``with intranet(settings) as host: …``."""

    @contextmanager
    def serve(chosen):
        host = Intranet(environment, chosen)
        command = (PORTAL, "serve", "--port", str(host.inner))
        output = place / "portal.log"
        with running(Program(*command, output=output, port=host.inner, env=host.env)):
            yield host

    return serve


def name_in(page):
    """The name in the account menu; None if nobody has signed in."""
    found = re.search(r'<p class="menu-text">(.*?)</p>', page)
    return found[1] if found else None


class Visitor(requests.Session):
    """Somebody at a browser in an intranet."""

    def __init__(self, host):
        super().__init__()
        # An authority that the environment names would come first.
        self.host, self.verify, self.trust_env = host, str(fronts.CERTIFICATE), False

    def open(self, path="/settings/profile", **options):
        return self.get(f"{self.host.address}{PATH}{path}", **options)

    def name(self, **options):
        return name_in(self.open(**options).text)


def programs_come_through(host):
    """What has a token of its own is answered by the portal itself, and nobody there is whom a header names."""
    for path, status in PROGRAMS.items():
        answer = Visitor(host).open(path, headers=FORGED)
        assert answer.status_code == status, path
        assert "X-Request-ID" in answer.headers, path
        assert name_in(answer.text) is None, path


@pytest.fixture
def apache(intranet, place):
    """The intranet with an Apache that signs people in, who all have the same password."""
    people = place / "people"
    for name in ("alice", "bob", "nobody"):
        call(
            ["htpasswd", "-b", *([] if people.exists() else ["-c"]), people, name, "x"], check=True
        )
    people.chmod(0o644)
    with intranet(stated(APACHE)) as host:
        piece = host.piece(APACHE, "apache").replace("/etc/apache2/people", str(people))
        with fronts.apache(place / "apache", host.port, piece, fronts.CERTIFICATE):
            yield host


def test_apache_tells_who_it_is_on_every_request(apache):
    visitor = Visitor(apache)
    assert visitor.open().status_code == 401
    assert visitor.name(auth=("alice", "x")) == "Alice"
    # The same browser, with the same cookie, after somebody else has sat down.
    assert visitor.name(auth=("bob", "x")) == "Bob"
    assert visitor.name(auth=("alice", "x")) == "Alice"
    assert visitor.open(auth=("alice", "wrong")).status_code == 401


def test_apache_lets_no_made_up_name_through(apache):
    visitor = Visitor(apache)
    assert visitor.name(auth=("alice", "x"), headers=FORGED) == "Alice"
    assert visitor.name(auth=("nobody", "x"), headers=FORGED) is None
    programs_come_through(apache)
    assert apache.faults() == ""


@pytest.fixture
def domain(intranet, place):
    """The intranet with an Apache that knows the tickets of a domain; yields both."""
    with (
        kerberos.started(place / "realm", "alice", "bob") as realm,
        intranet(stated(APACHE)) as host,
    ):
        own = snippet(KERBEROS, "apache").replace("/etc/apache2/portal.keytab", str(realm.keytab))
        piece = re.sub(r"( +Auth.+\n){3}", own, host.piece(APACHE, "apache"), count=1)
        with fronts.apache(place / "apache", host.port, piece, fronts.CERTIFICATE, realm.env):
            yield host, realm


def test_who_has_signed_in_to_the_domain_comes_in(domain):
    host, realm = domain

    def page(environment):
        command = ["curl", "--silent", "--location", "--negotiate", "--user", ":", "--cookie", ""]
        address = f"{host.address}{PATH}/settings/profile"
        call_it = [*command, "--cacert", fronts.CERTIFICATE, address]
        return call(call_it, env=environment, capture_output=True, text=True, check=True).stdout

    for name in ("alice", "bob"):
        assert name_in(page(realm.tickets(name))) == name.title()
    assert "401 Unauthorized" in page(realm.env)


class Silent(WSGIRequestHandler):
    """Answers without a line in the log."""

    def log_message(self, *arguments):
        return


def service(environ, start_response):
    """Answer as Authelia does at /api/authz/auth-request; who it is, is in a cookie."""
    [name] = re.findall(r"\bwho=(\w+)", environ.get("HTTP_COOKIE", "")) or [None]
    asked = environ.get("HTTP_X_ORIGINAL_URL", "")
    told = [("Content-Length", "0")]
    if name:
        told += [("Remote-User", name), ("Remote-Email", f"{name}@odnowa.example")]
        told += [("Remote-Groups", "staff,sales"), ("Remote-Name", name.title())]
    else:
        told.append(("Location", f"https://auth.example.com/?rd={asked}"))
    start_response("200 OK" if name else "401 Unauthorized", told)
    return []


@pytest.fixture
def nginx(intranet, place):
    """The intranet with an nginx that asks a service who it is."""
    server = make_server("127.0.0.1", 0, service, handler_class=Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with intranet(stated(APACHE, NGINX)) as host:
            piece = host.piece(NGINX, "nginx")
            piece = piece.replace(fronts.SERVICE, f"127.0.0.1:{server.server_port}")
            with fronts.nginx(place / "nginx", host.port, piece, fronts.CERTIFICATE):
                yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nginx_asks_who_it_is_on_every_request(nginx):
    visitor = Visitor(nginx)
    answer = visitor.open(allow_redirects=False)
    assert answer.status_code == 302
    where = f"https://auth.example.com/?rd={nginx.address}{PATH}/settings/profile"
    assert answer.headers["Location"] == where
    for name in ("alice", "bob", "alice"):
        visitor.cookies.set("who", name)
        assert visitor.name() == name.title()
    # Nobody adds people who are in no group that the settings name.
    visitor.cookies.set("who", "stranger")
    assert visitor.name() is None
    del visitor.cookies["who"]
    assert visitor.open(allow_redirects=False).status_code == 302


def test_nginx_lets_no_made_up_name_through(nginx):
    visitor = Visitor(nginx)
    assert visitor.open(headers=FORGED, allow_redirects=False).status_code == 302
    programs_come_through(nginx)
    assert nginx.faults() == ""
    visitor.cookies.set("who", "alice")
    assert visitor.name(headers=FORGED) == "Alice"
