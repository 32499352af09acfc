"""What a login is made with, and its end: by what is configured."""

import struct
import time
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import ConfigError
from koji_adjutant.hub.credentials import (
    ca_end,
    certificate_end,
    credentials,
    keytab_problem,
    ticket_end,
)
from tests.unit.host.test_certificates import DAY, certificate

PRINCIPAL = "compile/builder@EXAMPLE.COM"


def keytab(file: Path, principal: str) -> Path:
    """A keytab with one key of `principal`, as MIT Kerberos writes it."""
    name, _, realm = principal.partition("@")

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value)) + value.encode()

    parts = name.split("/")
    entry = struct.pack(">H", len(parts)) + text(realm) + b"".join(map(text, parts))
    entry += struct.pack(">IIBHH", 1, 0, 1, 18, 32) + bytes(32)
    file.write_bytes(b"\x05\x02" + struct.pack(">i", len(entry)) + entry)
    return file


def config(tmp_path: Path, **options: Any) -> Config:
    nowhere = {"keytab": str(tmp_path / "no.keytab"), "ccache": str(tmp_path / "no.ccache"), "cert": None}
    chosen: dict[str, Any] = {**nowhere, **options}
    return Config(server="http://hub/kojihub", topurls=("http://hub/files",), **chosen)


def test_a_password_does_not_end(tmp_path: Path) -> None:
    (found,) = credentials(config(tmp_path, user="builder", password="x", serverca=None))
    assert (found.kind, found.expires) == ("password", None)


def test_a_certificate_and_its_authority(tmp_path: Path) -> None:
    cert, ca = certificate(tmp_path / "cert.pem", days=5), certificate(tmp_path / "ca.pem", days=50)
    found = {one.kind: one.expires for one in credentials(config(tmp_path, cert=str(cert), serverca=str(ca)))}
    assert found["certificate"] == pytest.approx(time.time() + 5 * DAY, abs=600)
    assert found["ca"] == pytest.approx(time.time() + 50 * DAY, abs=600)


def test_of_an_old_and_a_new_authority_the_new_one_counts(tmp_path: Path) -> None:
    old, new = certificate(tmp_path / "old.pem", days=1), certificate(tmp_path / "new.pem", days=9)
    both = tmp_path / "both.pem"
    both.write_bytes(old.read_bytes() + new.read_bytes())
    assert ca_end(config(tmp_path, serverca=str(both))) == pytest.approx(time.time() + 9 * DAY, abs=600)
    assert ca_end(config(tmp_path, serverca=str(tmp_path))) is None


def test_a_file_without_certificate(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    with pytest.raises(ConfigError, match=r"cert .*empty.pem has no certificate"):
        certificate_end(config(tmp_path, cert=str(empty)))


def test_kerberos(tmp_path: Path) -> None:
    own = config(tmp_path, serverca=None)
    assert [(one.kind, one.expires) for one in credentials(own)] == [("ccache", None)]
    Path(own.ccache).write_bytes(b"no cache")
    assert ticket_end(own) is None
    keytab(Path(own.keytab), PRINCIPAL)
    assert [(one.kind, one.expires) for one in credentials(own)] == [("keytab", None)]


def test_whose_key_a_keytab_has(tmp_path: Path) -> None:
    own = config(tmp_path)
    keytab(Path(own.keytab), PRINCIPAL)
    assert keytab_problem(own, PRINCIPAL) is None
    problem = keytab_problem(own, "compile/other@EXAMPLE.COM")
    assert problem is not None
    assert "has no key of compile/other@EXAMPLE.COM" in problem.what
