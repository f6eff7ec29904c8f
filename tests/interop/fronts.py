"""Debian's nginx and Apache with folders of their own, in front of the portal as a recipe sets them up."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.programs import Program, running

# Where the recipes find the portal, and its sign-in service.
PORTAL, SERVICE = "127.0.0.1:8000", "127.0.0.1:9091"
# For localhost and 127.0.0.1, with its key; it is its own authority.
CERTIFICATE = Path(__file__).parent.parent / "mail/localhost.pem"
NGINX = """\
daemon off;
master_process off;
error_log stderr;
pid {folder}/pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}{tls};
        {piece}
    }}
}}
"""
MODULES = (
    *("mpm_event", "authn_core", "authz_core", "auth_basic", "authn_file", "authz_user"),
    *("headers", "proxy", "proxy_http", "socache_shmcb", "ssl"),
    "auth_gssapi",
)
APACHE = """\
ServerRoot {folder}
ServerName intranet.example.com
PidFile {folder}/pid
DefaultRuntimeDir {folder}
ErrorLog /dev/stderr
User nobody
Group nogroup
Listen 127.0.0.1:{port}
{modules}
<VirtualHost *:{port}>
{tls}
{piece}
</VirtualHost>
"""


@contextmanager
def nginx(folder: Path, port: int, piece: str, certificate: Path | None = None) -> Iterator[None]:
    """An nginx that runs until the block ends, with a piece of its server's settings; with a certificate: TLS."""
    keys = f"; ssl_certificate {certificate}; ssl_certificate_key {certificate}"
    tls = f" ssl{keys}" if certificate else ""
    settings = written(folder, NGINX.format(folder=folder, port=port, tls=tls, piece=piece))
    command = ("nginx", "-p", folder, "-c", settings)
    with running(Program(*command, output=folder / "log", port=port)):
        yield


@contextmanager
def apache(
    folder: Path,
    port: int,
    piece: str,
    certificate: Path | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[None]:
    """An Apache that runs until the block ends, with a piece of its host's settings; with a certificate: TLS."""
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES
    )
    tls = f"SSLEngine on\nSSLCertificateFile {certificate}" if certificate else ""
    text = APACHE.format(folder=folder, port=port, modules=modules, tls=tls, piece=piece)
    command = ("apache2", "-DFOREGROUND", "-f", written(folder, text))
    with running(Program(*command, output=folder / "log", port=port, env=env)):
        yield


def written(folder: Path, text: str) -> Path:
    folder.mkdir()
    settings = folder / "settings.conf"
    settings.write_text(text)
    return settings
