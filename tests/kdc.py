"""A Kerberos realm of a test's own: its KDC listens on loopback, and ends with the block that it is for."""

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import eventually

REALM = "KOJI.BOX"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Kdc:
    """The realm; all of it is below `directory`."""

    directory: Path
    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a program a client of it."""
        return {
            "KRB5_CONFIG": str(self.directory / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.directory / "kdc.conf"),
        }

    def write(self) -> None:
        (self.directory / "krb5.conf").write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_realm = false\ndns_lookup_kdc = false\n"
            f"dns_canonicalize_hostname = false\nrdns = false\nudp_preference_limit = 1\n"
            f"[realms]\n{REALM} = {{\n kdc = {LOOPBACK}:{self.port}\n}}\n"
        )
        (self.directory / "kdc.conf").write_text(
            f"[kdcdefaults]\nkdc_listen = {LOOPBACK}:{self.port}\nkdc_tcp_listen = {LOOPBACK}:{self.port}\n"
            f"[realms]\n{REALM} = {{\n database_name = {self.directory}/principal\n"
            f" key_stash_file = {self.directory}/stash\n}}\n"
        )

    def run(self, *argv: str) -> None:
        subprocess.run(argv, env={**os.environ, **self.environment}, check=True, capture_output=True)

    def keytab(self, principal: str) -> Path:
        """A principal, and the file with its key."""
        file = self.directory / f"{principal.replace('/', '-')}.keytab"
        self.run("/usr/sbin/kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        self.run("/usr/sbin/kadmin.local", "-r", REALM, "ktadd", "-k", str(file), principal)
        return file

    def is_listening(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1):
            return True
        return False


@contextmanager
def kdc(directory: Path) -> Iterator[Kdc]:
    """The KDC, while it answers."""
    directory.mkdir()
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        made = Kdc(directory=directory, port=probe.getsockname()[1])
    made.write()
    made.run("/usr/sbin/kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
    argv = ["/usr/sbin/krb5kdc", "-n", "-r", REALM]
    environment = {**os.environ, **made.environment}
    with subprocess.Popen(
        argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            eventually(made.is_listening, "the KDC answers")
            yield made
        finally:
            process.terminate()
