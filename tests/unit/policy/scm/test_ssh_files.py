"""What ssh of the daemon's user knows on this host; what it means in a container is asked of ssh itself."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from koji_adjutant.policy.scm.host_files import State
from koji_adjutant.policy.scm.ssh_files import ssh_files


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The directory that stands for ~/.ssh of this host."""
    directory = tmp_path / "ssh"
    directory.mkdir()
    return directory


def as_ssh_reads(files: Mapping[str, bytes], target: Path, host: str) -> dict[str, list[str]]:
    """What ssh would do for `host`, with the files at `target`."""
    target.mkdir()
    for name, content in files.items():
        (target / name).write_bytes(content)
    done = subprocess.run(["ssh", "-G", "-F", str(target / "config"), host], capture_output=True, check=True)
    found: dict[str, list[str]] = {}
    for line in done.stdout.decode().splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def test_keys_and_known_hosts_are_where_ssh_is_told(home: Path, tmp_path: Path) -> None:
    (home / "id_ed25519").write_text("KEY")
    (home / "id_ed25519.pub").write_text("PUB")
    (home / "known_hosts").write_text("h ssh-ed25519 A\n")
    (home / "authorized_keys").write_text("whoever")
    (home / "control").mkdir()
    target = tmp_path / "t"
    found = ssh_files(home, None, str(target))
    assert set(found.files) == {"config", "id_ed25519", "id_ed25519.pub", "known_hosts"}
    assert found.command == f"ssh -F {target}/config"
    assert found.knows_hosts
    read = as_ssh_reads(found.files, target, "git.example.org")
    assert read["identityfile"] == [f"{target}/id_ed25519"]
    assert read["userknownhostsfile"] == [f"{target}/known_hosts {target}/known_hosts2"]
    assert read["batchmode"] == ["yes"], "nobody is asked"
    assert read["stricthostkeychecking"] == ["ask"], "so that an unknown host is refused"
    assert read["connecttimeout"] == ["60"]


def test_the_users_configuration_goes_first(home: Path, tmp_path: Path) -> None:
    (home / "config").write_text(
        "ServerAliveInterval 5\n"
        "Host git.example.org\n  Port 29418\n  User builder\n  IdentityFile ~/.ssh/special\n"
        f"  CertificateFile {home}/cert\n"
        "Include more\n"
    )
    (home / "special").write_text("KEY")
    (home / "id_rsa").write_text("KEY")
    (home / "more").write_text("Host *\n  StrictHostKeyChecking accept-new\n")
    target = tmp_path / "t"
    read = as_ssh_reads(ssh_files(home, None, str(target)).files, target, "git.example.org")
    assert (read["port"], read["user"]) == (["29418"], ["builder"])
    assert read["serveraliveinterval"] == ["5"]
    assert read["identityfile"] == [f"{target}/special", f"{target}/id_rsa"]
    assert read["certificatefile"] == [f"{target}/cert"]
    assert read["stricthostkeychecking"] == ["accept-new"], "as the included file says"


def test_known_hosts_of_the_whole_host(tmp_path: Path) -> None:
    known = tmp_path / "ssh_known_hosts"
    known.write_text("h ssh-ed25519 A\n")
    target = tmp_path / "t"
    found = ssh_files(None, known, str(target))
    assert found.knows_hosts
    read = as_ssh_reads(found.files, target, "h")
    assert read["globalknownhostsfile"] == [f"{target}/known_hosts.host /etc/ssh/ssh_known_hosts"]


def test_without_anything_no_host_is_known(home: Path, tmp_path: Path) -> None:
    found = ssh_files(home / "none", tmp_path / "none", "/t")
    assert not found.knows_hosts
    assert set(found.files) == {"config"}
    assert [one.state for one in found.found] == [State.ABSENT, State.ABSENT]


def test_gits_own_command_is_kept(home: Path) -> None:
    found = ssh_files(home, None, "/t", f"ssh -i {home}/deploy -o Port=22")
    assert found.command == "ssh -i /t/deploy -o Port=22 -F /t/config"
    assert ssh_files(home, None, "/t", "ssh -F /x").command == "ssh -F /x"


def test_what_is_told_has_names_and_no_contents(home: Path) -> None:
    (home / "id_rsa").write_text("s3cret")
    told = "\n".join(map(str, ssh_files(home, None, "/t").found))
    assert told == f"scm_ssh_dir: {home}: present, readable; files for checkouts: id_rsa"
