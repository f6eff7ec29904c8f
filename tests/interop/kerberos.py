"""Debian's Kerberos with a folder of its own: a realm with people, and the key of a web server."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.programs import Program, running
from tools.served_demo import free_port

REALM = "ODNOWA.EXAMPLE"
CLIENT = """\
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
udp_preference_limit = 1
[realms]
{realm} = {{
    kdc = 127.0.0.1:{port}
}}
"""
SERVER = """\
[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
}}
"""


class Realm:
    """A realm that runs; ``keytab``: the key of its web server at localhost."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.keytab = folder, folder / "keytab"
        self.env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        }
        for name, text in (("krb5.conf", CLIENT), ("kdc.conf", SERVER)):
            (folder / name).write_text(text.format(realm=REALM, port=port, folder=folder))

    def call(self, *command: str | Path, **options: object) -> str:
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=True, **options
        )  # type: ignore[call-overload]
        return str(done.stdout)

    def tickets(self, name: str) -> dict[str, str]:
        """Sign somebody in to the realm; return the environment of that person's programs."""
        cache = f"FILE:{self.folder}/tickets-{name}"
        self.call("kinit", "-c", cache, name, input="x\n")
        return self.env | {"KRB5CCNAME": cache}


@contextmanager
def started(folder: Path, *people: str) -> Iterator[Realm]:
    """A realm that runs until the block ends; its people all have the same password."""
    folder.mkdir()
    port = free_port()
    realm = Realm(folder, port)
    realm.call("kdb5_util", "create", "-s", "-P", "x", "-r", REALM)
    for name in people:
        realm.call("kadmin.local", "addprinc", "-pw", "x", name)
    realm.call("kadmin.local", "addprinc", "-randkey", "HTTP/localhost")
    realm.call("kadmin.local", "ktadd", "-k", realm.keytab, "HTTP/localhost")
    # Apache works as another user.
    realm.keytab.chmod(0o644)
    with running(
        Program("krb5kdc", "-n", output=folder / "log", port=port, env=realm.env, cwd=folder)
    ):
        yield realm
