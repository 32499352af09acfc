"""A reload that would not succeed: the daemon and its builds go on, and the next one that would is done."""

import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from tests.hubs import HOST
from tests.integration.daemon.kojid_process import ROOT, Kojid
from tests.integration.daemon.test_main_loop_restarts import assert_went_on, lasting_task
from tests.waiting import eventually

REFUSED = "Not started anew, the daemon goes on as it was: "
GOOD = Path(__file__).with_name("plugins")


def starts(kojid: Kojid) -> int:
    return kojid.log.read_text().count("Starting up")


def assert_refused(kojid: Kojid, process: "subprocess.Popen[bytes]", why: str) -> None:
    """A reload is refused for `why`; the next task is done, by the same daemon."""
    before = starts(kojid)
    process.send_signal(signal.SIGUSR1)
    lines = eventually(
        lambda: [line for line in kojid.log.read_text().splitlines() if REFUSED in line and why in line],
        f"refused: {why}\n{kojid.log.read_text()}",
    )
    assert len(lines) == 1
    assert "ERROR" in lines[0]
    events = kojid.host_events()
    assert why in events["reload-refused"].details["reason"]
    assert "reload-asked" in events
    task = kojid.hub.admin.makeTask("sleep", [0])
    kojid.wait_for(task, "CLOSED")
    assert process.poll() is None
    assert starts(kojid) == before


def test_a_configuration_that_would_not_start(kojid: Kojid) -> None:
    with kojid.running() as process:
        task = lasting_task(kojid)
        pid = kojid.pid_of(task)
        kojid.write_config(sleeptime="often")
        assert_refused(kojid, process, "option sleeptime = 'often'")
        kojid.write_config(password="not-this-one")
        assert_refused(kojid, process, f"refuses user {HOST}")
        kojid.write_config()
        process.send_signal(signal.SIGUSR1)
        eventually(lambda: starts(kojid) == 2, "reloaded")
        assert_went_on(kojid, task, pid)


def test_a_plugin_that_would_be_lost(kojid: Kojid) -> None:
    directory = kojid.directory / "plugins"
    directory.mkdir()
    shutil.copy(GOOD / "until.py", directory)
    (directory / "out.py").write_text("1 / 0\n")
    options = {"pluginpath": str(directory), "plugin": "until out"}
    with kojid.running(**options) as process:
        task = lasting_task(kojid)
        pid = kojid.pid_of(task)
        whole = (directory / "until.py").read_text()
        (directory / "until.py").write_text(f"import never_heard_of\n{whole}")
        assert_refused(kojid, process, "Plugin until is not loaded: ModuleNotFoundError in line 1")
        (directory / "until.py").write_text(whole)
        process.send_signal(signal.SIGUSR1)
        # The one that it goes without already is no reason.
        eventually(lambda: starts(kojid) == 2, "reloaded")
        assert_went_on(kojid, task, pid)


def test_a_program_that_is_not_whole(kojid: Kojid) -> None:
    source = kojid.directory / "source"
    shutil.copytree(ROOT / "koji_adjutant", source / "koji_adjutant")
    copied = replace(kojid, source=source)
    module = source / "koji_adjutant" / "handlers" / "build" / "tag_build.py"
    with copied.running() as process:
        task = lasting_task(copied)
        pid = copied.pid_of(task)
        module.rename(module.with_suffix(".away"))
        assert_refused(
            copied, process, "ModuleNotFoundError: No module named 'koji_adjutant.handlers.build.tag_build'"
        )
        module.with_suffix(".away").rename(module)
        process.send_signal(signal.SIGUSR1)
        eventually(lambda: starts(copied) == 2, "reloaded")
        assert_went_on(copied, task, pid)


def test_a_hub_that_is_away_is_no_reason(kojid: Kojid) -> None:
    with kojid.running() as process:
        task = lasting_task(kojid)
        pid = kojid.pid_of(task)
        kojid.hub.hub.control.go_offline()
        process.send_signal(signal.SIGUSR1)
        eventually(lambda: "Starting anew; tasks go on" in kojid.log.read_text(), "reloaded")
        kojid.hub.hub.control.go_online()
        assert_went_on(kojid, task, pid)


def test_a_restart_that_would_not_succeed(kojid: Kojid) -> None:
    with kojid.running() as process:
        eventually(lambda: kojid.hub.admin.getHost(HOST)["ready"], "ready")
        kojid.write_config(sleeptime="often")
        task = kojid.hub.admin.makeTask("restartHosts", [])
        kojid.wait_for(task, "FAILED")
        assert process.poll() is None
    assert REFUSED in kojid.log.read_text()
    assert process.returncode == 0


def test_the_lock_is_taken_away_once(kojid: Kojid) -> None:
    with kojid.running("--fg", "--verbose", "--force-lock") as process:
        eventually(lambda: kojid.hub.admin.getHost(HOST)["ready"], "ready")
        process.send_signal(signal.SIGUSR1)
        eventually(lambda: starts(kojid) == 2, "reloaded")
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        assert b"--verbose" in words
        assert b"--force-lock" not in words


def test_the_command_says_how_it_went(kojid: Kojid, capfd: pytest.CaptureFixture[str]) -> None:
    with kojid.running() as process:
        eventually(lambda: kojid.hub.admin.getHost(HOST)["ready"], "ready")
        kojid.write_config(sleeptime="often")
        assert main(["reload", str(process.pid)]) == 2
        said = capfd.readouterr().err
        assert "option sleeptime = 'often'" in said
        assert "not reloaded" in said
        kojid.write_config()
        assert main(["reload", str(process.pid)]) == 0
        eventually(lambda: starts(kojid) == 2, "reloaded")
    assert main(["reload", str(process.pid)]) == 2
    with subprocess.Popen(["sleep", "600"]) as other:
        assert main(["reload", str(other.pid)]) == 2
        assert other.poll() is None
        other.kill()
    assert f"process {other.pid} is no kojid" in capfd.readouterr().err
