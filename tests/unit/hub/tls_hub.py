"""An embedded hub that knows its clients by certificates, and the authorities that sign them."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.testbed.hub.server import EmbeddedHub
from tests.hubs import ADMIN, ADMIN_PASSWORD, HOST, PASSWORD


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A directory with a CA, and with what it signs."""

    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "ca.crt"

    @classmethod
    def made(cls, directory: Path) -> "Authority":
        directory.mkdir()
        made = cls(directory=directory)
        # Not a name of its own each: what another authority of that name has signed is refused all the same.
        made._run(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "2"),
            *("-keyout", "ca.key", "-out", "ca.crt", "-addext", "keyUsage=critical,keyCertSign"),
        )
        return made

    def signed(self, name: str, *, days: int = 1, extension: str = "extendedKeyUsage=clientAuth") -> Path:
        """One file with a certificate of that name and its key. It has ended already when `days` are negative."""
        (self.directory / "extensions").write_text(extension)
        self._run(
            *("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", "new.key", "-out", "new.csr"),
        )
        self._run(
            *("x509", "-req", "-in", "new.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", str(days), "-extfile", "extensions", "-out", "new.crt"),
        )
        file = self.directory / f"{name}{days}.pem"
        file.write_bytes(b"".join((self.directory / part).read_bytes() for part in ("new.crt", "new.key")))
        return file

    def _run(self, *argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=self.directory, check=True, capture_output=True)


@dataclass(frozen=True, kw_only=True)
class TlsHub:
    hub: EmbeddedHub
    authority: Authority
    directory: Path

    @property
    def cert(self) -> Path:
        """Where the daemon's certificate is."""
        return self.directory / "client.pem"

    def install(self, certificate: Path) -> None:
        """As a site replaces one: under the same name."""
        self.cert.write_bytes(certificate.read_bytes())

    def config(self, **options: object) -> Config:
        chosen: dict[str, object] = {
            "cert": str(self.cert),
            "serverca": str(self.authority.certificate),
            "max_retries": 2,
            "retry_interval": 1,
            "state_dir": self.directory / "state",
            "workdir": str(self.directory / "work"),
            "topdir": str(self.hub.topdir),
            **options,
        }
        return Config(server=self.hub.url, topurls=(self.hub.topurl,), **chosen)  # type: ignore[arg-type]


@contextmanager
def tls_hub(directory: Path) -> Iterator[TlsHub]:
    """A hub with one host, whose certificate is in place."""
    authority = Authority.made(directory / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.signed("hub", extension="subjectAltName=IP:127.0.0.1"))
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_OPTIONAL
    # With 1.3 the client has sent its request before it hears of a refusal, and may hear of a closed connection only.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with EmbeddedHub(directory / "tls-hub", tls=context) as embedded:
        embedded.bootstrap(ADMIN, ADMIN_PASSWORD)
        embedded.accounts.add_host(HOST, PASSWORD, arches=("x86_64",))
        made = TlsHub(hub=embedded, authority=authority, directory=directory)
        made.install(authority.signed(HOST))
        yield made
