"""Several sites over TLS, each by its name, with a certificate of an authority made for the run (a pytest plugin).

The browser of the tests finds every name that ends in ``.test`` on this machine (tests/support/browser.py).
"""

import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

# Two names of one site, one of another, and one that nobody has named.
PORTAL, NEIGHBOUR = "portal.firm.test", "intranet.firm.test"
STRANGER, UNNAMED = "intranet.other.test", "evil.test"
NAMES = (PORTAL, NEIGHBOUR, STRANGER, UNNAMED, "login.provider.test")
# The host whose page shows the portal in a frame.
hosts = pytest.mark.parametrize("host", [NEIGHBOUR, STRANGER], ids=["same site", "other site"])
Key = ec.EllipticCurvePrivateKey


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def drafted(subject: str, issuer: str, key: Key, authority: bool) -> x509.CertificateBuilder:
    """Begin a certificate of this day."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make an authority, and a certificate for all sites. Returns the files of the certificate with its key, and
    of the authority.
    """
    root, key = (ec.generate_private_key(ec.SECP256R1()) for one in range(2))
    authority = drafted("authority", "authority", root, True).sign(root, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES])
    draft = drafted("sites", "authority", key, False).add_extension(names, critical=False)
    certificate = draft.sign(root, hashes.SHA256())
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # With the authority's own, by which the browser knows whom to trust.
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in (certificate, authority))
    (folder / "sites.pem").write_bytes(own + chain)
    (folder / "authority.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    return folder / "sites.pem", folder / "authority.pem"


def fingerprint(authority: Path) -> str:
    """Name the key of an authority as Chromium does: its SHA-256 in Base64."""
    key = x509.load_pem_x509_certificate(authority.read_bytes()).public_key()
    written = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(sha256(written).digest()).decode()


class SilentHandler(WSGIRequestHandler):
    """Answers a request without a line in the log."""

    def log_message(self, format: str, *args: Any) -> None:
        return


class TlsServer(ThreadingMixIn, WSGIServer):
    """A server whose handshakes don't keep others waiting."""

    def __init__(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), SilentHandler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.context = listener.dup(), context
        self.server_name, self.server_port = listener.getsockname()
        self.setup_environ()
        self.base_environ["HTTPS"] = "on"

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:
            # The browser went away, or only looked whether somebody is there.
            return


def by_name(sites: Mapping[str, WSGIApplication]) -> WSGIApplication:
    """Join sites into one application, which looks at the name that was asked for."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        site = sites.get(environ["HTTP_HOST"].partition(":")[0])
        if site:
            return site(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such site"]

    return answer


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_listener() -> Iterator[socket.socket]:
    """The socket of this process's sites. It stays open, as that of its portals does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextmanager
def served_sites(
    sites: Mapping[str, WSGIApplication], listener: socket.socket, certificate: Path
) -> Iterator[int]:
    """Serve sites by name over TLS; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with TlsServer(listener, context) as server:
        server.set_app(by_name(sites))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
