"""What Kerberos says when a login fails: asked on this host, since all that comes from the hub is its 401."""

import struct
from pathlib import Path

import pytest
import requests

from koji_adjutant.config import Config
from koji_adjutant.errors import AdjutantError, LoginFailed, LoginRefused
from koji_adjutant.hub.login import login_error

REALM, NAME = "EXAMPLE.TEST", "builder"
PRINCIPAL = f"{NAME}@{REALM}"
AES256 = 18


@pytest.fixture
def krb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with krb5.conf of a realm whose KDC is away, and a keytab."""
    config = tmp_path / "krb5.conf"
    config.write_text(
        f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n"
        f"udp_preference_limit = 1\n[realms]\n{REALM} = {{\n kdc = 127.0.0.1:1\n}}\n"
    )
    monkeypatch.setenv("KRB5_CONFIG", str(config))
    (tmp_path / "keytab").write_bytes(keytab(NAME))
    return tmp_path


def keytab(name: str) -> bytes:
    """One key, as MIT's file format 2 has it."""

    def counted(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    entry = struct.pack(">H", 1) + counted(REALM.encode()) + counted(name.encode())
    entry += struct.pack(">IIBH", 1, 1_700_000_000, 1, AES256) + counted(bytes(32))
    return b"\x05\x02" + struct.pack(">i", len(entry)) + entry


def problem(directory: Path) -> AdjutantError:
    """What is said of a 401."""
    response = requests.Response()
    response.status_code, response.reason = 401, "Unauthorized"
    config = Config(
        server="https://localhost/kojihub",
        topurls=("https://localhost/kojifiles",),
        krb_principal=PRINCIPAL,
        keytab=str(directory / "keytab"),
        ccache=str(directory / "ccache"),
    )
    found = login_error(config, PRINCIPAL, requests.HTTPError(response=response))
    assert "\n" not in str(found)
    return found


def test_a_kdc_that_is_away_may_be_back(krb: Path) -> None:
    found = problem(krb)
    assert isinstance(found, LoginFailed)
    assert not isinstance(found, LoginRefused)
    assert str(found) == (
        f"no ticket for HTTP@localhost as {PRINCIPAL}: Cannot contact any KDC for realm '{REALM}'; "
        "check krb5.conf, and that the KDC runs"
    )


@pytest.mark.parametrize("content", [b"no keytab", keytab("another")])
def test_a_keytab_without_the_key(krb: Path, content: bytes) -> None:
    (krb / "keytab").write_bytes(content)
    found = problem(krb)
    assert isinstance(found, LoginRefused)
    assert "check krb_principal, and that the keytab is one, has its key" in str(found)


def test_a_cache_that_is_none(krb: Path) -> None:
    (krb / "ccache").write_text("no cache")
    found = problem(krb)
    assert isinstance(found, LoginRefused)
    assert str(krb / "ccache") in str(found)
