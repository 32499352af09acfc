"""The files for systemd and logrotate, read by the programs that they are for."""

import logging
import os
import shlex
import subprocess
import sysconfig
from logging.handlers import WatchedFileHandler
from pathlib import Path

import pytest

from koji_adjutant.cli import commands

MOST_EXPOSED, MOST_EXPOSED_STATUS = 40, 20
"""Tenths, as systemd counts; a service that asks for nothing has 96."""
YEAR = 365 * 86400


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, check=False)


def succeeds(*argv: str | Path) -> str:
    done = run(*argv)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "root"
    assert commands.main(["install-units", "--root", str(directory)]) == 0
    return directory


@pytest.fixture
def unit(root: Path) -> Path:
    return root / "usr/local/lib/systemd/system/kojid.service"


def test_the_daemon_may_set_the_bit_that_hands_a_group_on(unit: Path) -> None:
    """What it shows is in a directory with that bit (`make_public`): systemd would not let it begin."""
    assert "RestrictSUIDSGID=yes" not in unit.read_text().splitlines()


@pytest.fixture
def status_unit(unit: Path) -> Path:
    return unit.with_name("kojid-status.service")


def test_a_second_call_changes_nothing(root: Path, unit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_ino for path in root.rglob("*") if path.is_file()}
    assert len(before) == 5
    assert {path.stat().st_mode & 0o777 for path in before} == {0o644}
    capsys.readouterr()
    assert commands.main(["install-units", "--root", str(root)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"unchanged {root}/usr/local/lib/systemd/system/kojid.service",
        f"unchanged {root}/usr/local/lib/systemd/system/kojid-status.service",
        f"unchanged {root}/usr/local/lib/sysusers.d/koji-adjutant.conf",
        f"unchanged {root}/usr/local/lib/tmpfiles.d/koji-adjutant.conf",
        f"unchanged {root}/etc/logrotate.d/koji-adjutant",
    ]
    assert {path: path.stat().st_ino for path in root.rglob("*") if path.is_file()} == before
    unit.write_text("[Unit]\n")
    assert commands.main(["install-units", "--root", str(root)]) == 0
    assert f"wrote {unit}\n" in capsys.readouterr().out
    assert "Type=notify" in unit.read_text()


def test_what_was_written_is_removed_unless_somebody_changed_it(
    root: Path, unit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit.write_text("[Unit]\n")
    (root / "etc/logrotate.d/koji-adjutant").unlink()
    capsys.readouterr()
    assert commands.main(["install-units", "--remove", "--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert f"changed by somebody, and left: {unit}\n" in said
    assert f"removed {root}/usr/local/lib/sysusers.d/koji-adjutant.conf\n" in said
    assert f"not there: {root}/etc/logrotate.d/koji-adjutant\n" in said
    assert [path for path in root.rglob("*") if path.is_file()] == [unit]


def test_a_package(tmp_path: Path) -> None:
    assert commands.main(["install-units", "--root", str(tmp_path), "--prefix", "/usr"]) == 0
    unit = (tmp_path / "usr/lib/systemd/system/kojid.service").read_text()
    assert "\nExecStart=/usr/bin/kojid --fg --verbose\n" in unit
    assert not (tmp_path / "usr/local").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "usr").write_text("")
    assert commands.main(["install-units", "--root", str(tmp_path)]) == 2
    assert "run as root" in capsys.readouterr().err


def test_systemd_understands_the_unit(unit: Path, status_unit: Path) -> None:
    assert succeeds("systemd-analyze", "verify", "--recursive-errors=no", unit) == ""
    assert succeeds("systemd-analyze", "verify", "--recursive-errors=no", status_unit) == ""
    unit.write_text(unit.read_text().replace("KillMode=process", "KillMode=builds"))
    assert "kill mode" in run("systemd-analyze", "verify", "--recursive-errors=no", unit).stderr


def test_what_the_unit_leaves_open(unit: Path) -> None:
    check = ("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}")
    succeeds(*check, unit)
    unit.write_text("\n".join(line for line in unit.read_text().splitlines() if "Protect" not in line))
    assert run(*check, unit).returncode != 0


def test_what_the_status_server_leaves_open(status_unit: Path) -> None:
    check = ("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED_STATUS}")
    succeeds(*check, status_unit)
    lines = status_unit.read_text().splitlines()
    assert {"User=koji-adjutant-status", "Group=koji-adjutant", "Nice=19", "CapabilityBoundingSet="} <= set(
        lines
    )
    (start,) = (line for line in lines if line.startswith("ExecStart="))
    words = shlex.split(start.removeprefix("ExecStart="))
    given = commands.parser().parse_args(words[1:])
    assert given.own_dir == Path("/var/lib") / "koji-adjutant-status"
    assert "StateDirectory=koji-adjutant-status" in lines


def test_the_status_server_has_a_user(root: Path) -> None:
    succeeds("systemd-sysusers", f"--root={root}", root / "usr/local/lib/sysusers.d/koji-adjutant.conf")
    groups = (root / "etc/group").read_text().splitlines()
    (members,) = (line for line in groups if line.startswith("koji-adjutant:"))
    assert members.endswith(":koji-adjutant-status")
    (user,) = (line for line in (root / "etc/passwd").read_text().splitlines() if "koji-adjutant" in line)
    assert user.startswith("koji-adjutant-status:")
    assert user.endswith("/nologin")


def test_what_the_unit_promises(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert {
        "Type=notify",
        "KillMode=process",
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        "TimeoutStopSec=30",
        f"ExecReload={sysconfig.get_path('scripts')}/koji-adjutant reload $MAINPID",
    } <= set(lines)
    (stop,) = (line for line in lines if line.startswith("ExecStopPost="))
    assert stop.startswith("ExecStopPost=-/")
    assert stop.endswith("/koji-adjutant end-tasks --after %n")


@pytest.fixture
def tmpfiles(root: Path) -> Path:
    """The file, on a host that has the group."""
    succeeds("systemd-sysusers", f"--root={root}", root / "usr/local/lib/sysusers.d/koji-adjutant.conf")
    assert "koji-adjutant:" in (root / "etc/group").read_text()
    return root / "usr/local/lib/tmpfiles.d/koji-adjutant.conf"


def test_places(root: Path, tmpfiles: Path) -> None:
    succeeds("systemd-tmpfiles", f"--root={root}", "--create", tmpfiles)
    modes = {name: (root / name).stat().st_mode & 0o777 for name in ("var/tmp/koji", "var/log/kojid.log")}
    assert modes == {"var/tmp/koji": 0o755, "var/log/kojid.log": 0o640}
    state = (root / "var/lib/koji-adjutant").stat()
    assert state.st_mode & 0o777 == 0o710
    (group,) = (
        line for line in (root / "etc/group").read_text().splitlines() if line.startswith("koji-adjutant:")
    )
    assert state.st_gid == int(group.split(":")[2])


def test_what_a_long_build_has_unpacked_stays(root: Path, tmpfiles: Path) -> None:
    others = root / "usr/local/lib/tmpfiles.d/tmp.conf"
    others.write_text("q /var/tmp 1777 root root m:1d\n")
    kept, removed = root / "var/tmp/koji/tasks/1/1/source", root / "var/tmp/source"
    for path in (kept, removed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (path.stat().st_atime - YEAR, path.stat().st_mtime - YEAR))
    succeeds("systemd-tmpfiles", f"--root={root}", "--clean", tmpfiles, others)
    assert kept.exists()
    assert not removed.exists()


def test_the_log_goes_on_after_a_rotation(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "kojid.log"
    logger, handler = logging.getLogger("test of logrotate"), WatchedFileHandler(log)
    logger.addHandler(handler)
    try:
        logger.warning("before")
        shipped = (root / "etc/logrotate.d/koji-adjutant").read_text()
        file = tmp_path / "logrotate.conf"
        # The group is the host's; here nobody has made it.
        file.write_text(
            shipped.replace("/var/log/kojid.log", str(log)).replace("root koji-adjutant", "root root")
        )
        file.chmod(0o644)
        succeeds("logrotate", "--force", "--state", tmp_path / "state", file)
        logger.warning("after")
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert log.read_text() == "after\n"
    assert (tmp_path / "kojid.log.1").read_text() == "before\n"
    assert log.stat().st_mode & 0o777 == 0o640
