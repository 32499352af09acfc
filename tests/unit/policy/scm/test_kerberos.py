"""Kerberos credentials of this host for a checkout."""

from pathlib import Path

import pytest

from koji_adjutant.policy.scm.host_files import State
from koji_adjutant.policy.scm.kerberos import kerberos


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    path = tmp_path / "ccache"
    path.write_bytes(b"\x05\x04tickets")
    return path


def test_the_cache_that_the_environment_names(cache: Path, tmp_path: Path) -> None:
    for named in (str(cache), f"FILE:{cache}"):
        found = kerberos("auto", {"KRB5CCNAME": named}, "/h/.scm", tmp_path / "none")
        assert found.files == {"krb5.ccache": b"\x05\x04tickets"}
        assert found.environment == {"KRB5CCNAME": "FILE:/h/.scm/krb5.ccache"}


def test_the_cache_that_the_option_names_goes_first(cache: Path, tmp_path: Path) -> None:
    found = kerberos(cache, {"KRB5CCNAME": "KCM:0"}, "/t", tmp_path / "none")
    assert found.environment["KRB5CCNAME"] == "FILE:/t/krb5.ccache"


def test_what_is_no_file_is_not_given(cache: Path, tmp_path: Path) -> None:
    for named in ("KCM:0", "KEYRING:persistent:0"):
        found = kerberos("auto", {"KRB5CCNAME": named}, "/t", tmp_path / "none")
        assert (found.files, found.environment) == ({}, {})
        assert str(found.found[0]).endswith("it is no file, and is not given")
    assert kerberos(None, {"KRB5CCNAME": str(cache)}, "/t").found == ()
    assert kerberos(tmp_path / "none", {}, "/t").found[0].state is State.ABSENT


def test_the_configuration_comes_whole(cache: Path, tmp_path: Path) -> None:
    inside = tmp_path / "krb5.conf.d"
    inside.mkdir()
    (inside / "a-realm").write_text("[realms]\n A = { kdc = a }\n")
    (inside / "b.conf").write_text("[libdefaults]\n x = y\n")
    (inside / "c.rpmsave").write_text("not read")
    (tmp_path / "krb5.conf").write_text(
        f"includedir {inside}\ninclude {tmp_path}/none\n[libdefaults]\n r = A\n"
    )
    found = kerberos(cache, {}, "/t", tmp_path / "krb5.conf")
    assert found.environment["KRB5_CONFIG"] == "/t/krb5.conf"
    said = found.files["krb5.conf"].decode()
    assert "kdc = a" in said
    assert said.index("x = y") < said.index("r = A")
    assert "not read" not in said
    assert "include" not in said, "a directory of this host's is not there in a container"
