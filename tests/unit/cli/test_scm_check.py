"""What `config check` says of checkouts: what is there, and nothing of what it says."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.scm_check import scm_report
from koji_adjutant.config import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Of a host with secrets in every place."""
    (tmp_path / "gitconfig").write_text(
        "[http]\n\textraHeader = s3cret\n[credential]\n\thelper = vault --key=s3cret\n"
    )
    (tmp_path / "netrc").write_text("machine h login l password s3cret\n")
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh/id_rsa").write_text("s3cret")
    (tmp_path / "credentials").mkdir()
    return Config(
        server="http://h/kojihub",
        topurls=("http://h/k",),
        state_dir=tmp_path,
        scm_gitconfig=(tmp_path / "gitconfig", tmp_path / "none"),
        scm_netrc=tmp_path / "netrc",
        scm_ssh_dir=tmp_path / "ssh",
        scm_known_hosts=tmp_path / "known",
        scm_ccache=tmp_path / "ccache",
        scm_ca_trust=(),
        scm_credentials_dir=str(tmp_path / "credentials"),
    )


def test_each_option_says_what_was_found(config: Config, tmp_path: Path) -> None:
    program = "credential.helper names a program, which has to be in the image of checkouts"
    said = scm_report(config, {"https_proxy": "http://u:s3cret@p", "PATH": "/bin"}).splitlines()
    assert said == [
        "checkouts get of this host:",
        f"  scm_gitconfig: {tmp_path}/gitconfig: present, readable; {program}",
        f"  scm_gitconfig: {tmp_path}/none: not present",
        f"  scm_netrc: {tmp_path}/netrc: present, readable",
        f"  scm_ssh_dir: {tmp_path}/ssh: present, readable; files for checkouts: id_rsa",
        f"  scm_known_hosts: {tmp_path}/known: not present",
        "  scm_known_hosts: no host is known: checkouts by ssh are refused, unless ssh's config says otherwise",
        f"  scm_ccache: {tmp_path}/ccache: not present",
        "  scm_environment: https_proxy",
        f"  scm_credentials_dir: {tmp_path}/credentials: present, readable",
    ]


def test_on_the_host_its_programs_are_looked_for(config: Config, tmp_path: Path) -> None:
    program = tmp_path / "git"
    program.write_text("")
    program.chmod(0o755)
    chosen = dataclasses.replace(config, scm_on_host=True)
    said = scm_report(chosen, {"PATH": str(tmp_path), "no_proxy": "a\nb"}).splitlines()
    assert said[:3] == [
        "checkouts run on this host, and have all of it:",
        f"  scm_on_host: git: {program}",
        "  scm_on_host: svn: not present",
    ]
    assert any("a line break in no_proxy" in line for line in said)


def test_it_is_part_of_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(
        "[kojid]\nserver = http://h/kojihub\ntopurl = http://h/k\n[adjutant]\nscm_netrc = /nowhere/netrc\n"
    )
    assert main(["config", "check", "--config", str(file)]) == 0
    assert "  scm_netrc: /nowhere/netrc: not present\n" in capsys.readouterr().out
