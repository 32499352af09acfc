"""What of this host a checkout gets, by the kind of URL, and where no one else sees it."""

import dataclasses
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.scm_values import LowSpeed
from koji_adjutant.errors import TaskFailed
from koji_adjutant.policy.scm_access import ScmAccess, host_access, scm_access, source_access
from koji_adjutant.policy.scm_address import ScmAddress, ScmKind

HOME = "/h"


def address(
    scheme: str = "https",
    user: str | None = None,
    password: str | None = None,
    *,
    kind: ScmKind = ScmKind.GIT,
) -> ScmAddress:
    return ScmAddress(
        given=f"git+{scheme}://given",
        kind=kind,
        scheme=scheme,
        user=user,
        password=password,
        host="src.example.org:8443",
        repository="/rpms/hello",
        module="",
        revision="main",
    )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Of a host that has everything."""
    (tmp_path / "gitconfig").write_text("[http]\n\tproxy = http://proxy\n")
    (tmp_path / "netrc").write_text("machine src.example.org login u password n3trc\n")
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh/id_rsa").write_text("pr1vate")
    (tmp_path / "ssh/known_hosts").write_text("src.example.org ssh-rsa A\n")
    (tmp_path / "ccache").write_bytes(b"t1cket")
    return Config(
        server="http://h/kojihub",
        topurls=("http://h/k",),
        state_dir=tmp_path,
        scm_gitconfig=(tmp_path / "gitconfig",),
        scm_netrc=tmp_path / "netrc",
        scm_ssh_dir=tmp_path / "ssh",
        scm_known_hosts=None,
        scm_ccache=tmp_path / "ccache",
        scm_ca_trust=(),
    )


def access(config: Config, where: ScmAddress, **environ: str) -> ScmAccess:
    return scm_access(config, where, home=HOME, environ=environ)


def test_a_checkout_by_https_gets_no_keys(config: Config) -> None:
    found = access(config, address())
    assert {".gitconfig", ".netrc", ".scm/krb5.ccache"} <= set(found.files)
    assert not [name for name in found.files if name.startswith(".ssh/")]
    assert found.environment["GIT_CONFIG_NOSYSTEM"] == "1"
    assert "GIT_SSH_COMMAND" not in found.environment
    assert found.network == "bridge"


def test_a_checkout_by_ssh_gets_no_passwords(config: Config) -> None:
    for scheme, kind in (("git+ssh", ScmKind.GIT), ("svn+ssh", ScmKind.SVN)):
        found = access(config, address(scheme, "git", kind=kind))
        assert found.files[".ssh/id_rsa"] == b"pr1vate"
        assert ".netrc" not in found.files
        assert found.environment["GIT_SSH_COMMAND"] == "ssh -F /h/.ssh/config"
        assert found.environment["SVN_SSH"] == "ssh -F /h/.ssh/config"


def test_all_of_it_can_be_withheld(config: Config) -> None:
    bare = dataclasses.replace(config, scm_gitconfig=(), scm_netrc=None, scm_ssh_dir=None, scm_ccache=None)
    assert access(bare, address()).files == {}
    assert set(access(bare, address("git+ssh", "git")).files) == {".ssh/config"}


def login_that_git_finds(
    files: Mapping[str, bytes], directory: Path, environment: Mapping[str, str]
) -> bytes:
    """What git would send to the server, with `files` in `directory`."""
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    done = subprocess.run(
        ["git", "credential", "fill"],
        input=b"url=https://me%40x@src.example.org:8443/rpms/hello\n\n",
        env={"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", **environment},
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_the_password_of_a_url_is_in_a_file_that_git_asks(config: Config, tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = scm_access(config, address("https", "me%40x", "p%2Fw:1"), home=str(home), environ={})
    assert "p%2Fw" not in str({**found.environment, "mounts": found.mounts})
    said = login_that_git_finds(found.files, home, {"HOME": str(home), **found.environment})
    assert b"username=me@x\npassword=p/w:1\n" in said
    assert b"proxy" in found.files[".gitconfig"], "beside what the site says"


def test_on_this_host_git_has_its_own_files_and_the_password_of_the_url(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own/.gitconfig").write_text("[credential]\n\thelper = !echo password=other\n")
    given = tmp_path / "given"
    where = address("https", "me%40x", "p%2Fw:1")
    found = host_access(config, where, directory=str(given), environ={"PATH": os.environ["PATH"], "A": "b"})
    assert found.environment["HOME"] == str(tmp_path / "own")
    assert found.environment["A"] == "b"
    assert "p%2Fw" not in str(found.environment)
    assert set(found.files) == {".scm/credentials"}
    assert b"password=p/w:1\n" in login_that_git_finds(found.files, given, found.environment)
    plain = host_access(config, address("https"), directory=str(given), environ={"PATH": os.environ["PATH"]})
    assert plain.files == {}
    assert b"password=other" in login_that_git_finds({}, given, plain.environment)


def test_on_this_host_svn_has_the_password_of_the_url(config: Config) -> None:
    found = host_access(config, address("https", "me", "p%2Fw", kind=ScmKind.SVN), directory="/d", environ={})
    assert found.files == {".scm/password": b"p/w"}
    assert (found.environment["SCM_FILES"], found.environment["SCM_SVN_USER"]) == ("/d/.scm", "me")


def test_the_password_of_a_url_is_asked_for_before_the_sites_helpers(config: Config, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("[credential]\n\thelper = !echo password=other\n")
    said = access(config, address("https", "me", "pw")).files[".gitconfig"].decode()
    ours = said.index('[credential "https://src.example.org:8443"]\n\thelper = ""\n')
    assert said.index("password=other") < ours < said.index("store --file=/h/.scm/credentials")


def test_a_password_goes_to_svn_by_a_file(config: Config) -> None:
    found = access(config, address("https", "me%40x", "p%2Fw", kind=ScmKind.SVN))
    assert found.files[".scm/password"] == b"p/w"
    assert found.environment["SCM_SVN_USER"] == "me@x"
    assert ".gitconfig" not in found.files
    plain = access(config, address("https", "me", kind=ScmKind.SVN))
    assert "SCM_SVN_USER" not in plain.environment, "without a password nobody logs in, as with kojid"


def test_servers_that_take_no_login_get_none(config: Config) -> None:
    for scheme in ("git", "rsync"):
        assert set(access(config, address(scheme, "me", "pa55")).files) == {".gitconfig"}
        assert "pa55" not in access(config, address(scheme, "me", "pa55")).files[".gitconfig"].decode()
    plain = access(config, address("svn", kind=ScmKind.SVN))
    assert (plain.files, plain.environment) == ({}, {"SCM_SVN_TIMEOUT": "600"})


def test_variables_of_the_site_are_in_no_environment_of_a_container(config: Config) -> None:
    site = dataclasses.replace(config, scm_environment={"GIT_TRACE": "1", "no_proxy": ""})
    found = access(site, address(), http_proxy="http://u:pw@proxy", no_proxy="x", PATH="/bin")
    assert found.files[".scm/environment"] == b"http_proxy=http://u:pw@proxy\nGIT_TRACE=1\n"
    assert "pw@proxy" not in str(found.environment)
    assert source_access(site, {"https_proxy": "http://p"}).environment == {
        "https_proxy": "http://p",
        "GIT_TRACE": "1",
    }
    with pytest.raises(TaskFailed, match="a line break in http_proxy"):
        access(config, address(), http_proxy="a\nb=c")


def test_slow_servers(config: Config) -> None:
    slow = dataclasses.replace(config, scm_low_speed=LowSpeed(bytes=9, seconds=30.0))
    assert access(slow, address()).environment["GIT_HTTP_LOW_SPEED_LIMIT"] == "9"
    assert access(slow, address()).environment["GIT_HTTP_LOW_SPEED_TIME"] == "30"
    assert access(slow, address(kind=ScmKind.SVN)).environment["SCM_SVN_TIMEOUT"] == "30"
    patient = dataclasses.replace(config, scm_low_speed=None, scm_ccache=None)
    assert set(access(patient, address()).environment) == {"GIT_CONFIG_NOSYSTEM"}


def test_a_builder_without_a_network_checks_nothing_out(config: Config) -> None:
    with pytest.raises(TaskFailed, match="checking sources out needs a network"):
        access(dataclasses.replace(config, network_enabled=False), address())


def test_what_was_looked_at_is_told_without_what_it_says(config: Config) -> None:
    told = "\n".join(map(str, access(config, address("git+ssh", "git")).found))
    assert "scm_ssh_dir: " in told
    assert not [word for word in ("pr1vate", "n3trc", "t1cket", "proxy") if word in told]
