"""The service on a real systemd, from its installation to its end. Run on the machine, by pytest, in this order."""

import functools
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from tests.mail_server import MailServer, mail_server
from tests.pace import slowness
from tests.platforms.hello import told
from tests.platforms.machine.inside.host import (
    SLOW,
    Host,
    build_host,
    containers,
    processes,
    run,
    say,
    shell,
    show,
)
from tests.platforms.machine.inside.installed import commands
from tests.platforms.machine.inside.places import CONF
from tests.scm.git_repository import git_repository
from tests.scm.http import web_server
from tests.scm.packages import spec
from tests.waiting import eventually

DROP_IN = Path("/etc/systemd/system/kojid.service.d/sooner.conf")
SOONER = "[Service]\nWatchdogSec=30\nTimeoutAbortSec=5\nTimeoutStopSec=20\n"
"""What the unit waits for is minutes; nothing else of it is changed."""
STOP_SECONDS = 10.0
LOG = Path("/var/log/kojid.log")
PAGES = "http://127.0.0.1:8080"
"""Of kojid-status, where `monitoring_bind` has them."""


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def host(mails: MailServer) -> Host:
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    DROP_IN.write_text(SOONER)
    CONF.write_text(
        CONF.read_text().replace(
            "[kojid]\n", f"[kojid]\nsmtphost = {mails.address}\nfrom_addr = koji@example.com\n"
        )
    )
    return build_host()


@pytest.fixture(scope="module")
def factor() -> float:
    """How many times as long as on two idle cores something takes here."""
    found = slowness()
    say(f"the machine is {found:.1f} times as slow")
    return found


def test_it_is_installed_as_the_docs_say(host: Host) -> None:
    before, doctor = commands()
    shell(before)
    # It is up when systemctl says so, and not before it has told systemd.
    assert [show(name) for name in ("Type", "ActiveState", "SubState")] == ["notify", "active", "running"]
    eventually(host.is_ready, "the hub knows that the host is ready", seconds=SLOW)
    shell([doctor])


def test_what_it_needs_was_made_by_systemd_and_logrotate(host: Host) -> None:
    assert run("getent", "passwd", "koji-adjutant-status").stdout
    for path, mode, group in (
        (LOG, 0o640, "koji-adjutant"),
        (Path("/var/lib/koji-adjutant"), 0o710, "koji-adjutant"),
    ):
        assert (path.stat().st_mode & 0o777, path.group()) == (mode, group), path
    assert LOG.stat().st_size
    run("logrotate", "--force", "/etc/logrotate.d/koji-adjutant")
    assert (LOG.stat().st_size, LOG.stat().st_mode & 0o777, LOG.group()) == (0, 0o640, "koji-adjutant")
    assert Path(f"{LOG}.1").stat().st_size


def test_a_build_goes_on_whatever_becomes_of_the_daemon(host: Host, tmp_path: Path) -> None:
    task = host.lasting_build(tmp_path)
    build = host.rpmbuild()
    first = host.main_pid()

    run("systemctl", "reload", "kojid")
    assert (host.main_pid(), build.is_there(), show("ActiveState")) == (first, True, "active")

    good = CONF.read_text()
    CONF.write_text(good.replace("sleeptime = 1", "sleeptime = often"))
    refused = run("systemctl", "reload", "kojid", check=False)
    CONF.write_text(good)
    assert refused.returncode
    assert "option sleeptime = 'often'" in journal()
    assert (host.main_pid(), build.is_there(), show("ActiveState")) == (first, True, "active")

    run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "kojid")
    second = started_again(host, first)
    assert build.is_there()

    os.kill(second, signal.SIGSTOP)
    # Nothing but the watchdog ends one that is stopped.
    started_again(host, second)
    assert show("NRestarts") == "2"
    assert build.is_there()

    host.let_go()
    host.closed(task)


def journal() -> str:
    """What the daemon has said, and systemd of it."""
    return run("journalctl", "--unit=kojid", "--no-pager", "--output=cat").stdout


def started_again(host: Host, before: int) -> int:
    """The pid of the daemon that systemd has started after another, once it is up."""
    eventually(
        lambda: host.main_pid() not in {0, before} and show("ActiveState") == "active",
        lambda: f"the daemon is started again\n{run('systemctl', 'status', 'kojid', check=False).stdout}",
        seconds=SLOW,
        step=0.5,
    )
    return host.main_pid()


def test_a_stop_ends_builds_and_gives_them_back(host: Host, tmp_path: Path, factor: float) -> None:
    task = host.lasting_build(tmp_path)
    build = host.rpmbuild()
    run("systemctl", "restart", "kojid")
    assert not build.is_there()
    again = host.rpmbuild()

    began = time.monotonic()
    run("systemctl", "stop", "kojid")
    took = time.monotonic() - began
    say(f"a stop with a build took {took:.1f} s")
    assert took < STOP_SECONDS * factor
    assert show("Result") == "success"
    assert_nothing_runs(host, task)
    assert not again.is_there()

    run("systemctl", "start", "kojid")
    last = host.rpmbuild()
    os.kill(host.main_pid(), signal.SIGSTOP)
    run("systemctl", "stop", "kojid")
    # ExecStopPost= has done what the daemon could not.
    assert not last.is_there()
    assert_nothing_runs(host, task)
    run("systemctl", "start", "kojid")
    host.rpmbuild()
    host.let_go()
    host.closed(task)


def assert_nothing_runs(host: Host, task: int) -> None:
    assert containers() == []
    # Not so conmon: podman keeps that of a command for five minutes.
    assert not list(processes(b"rpmbuild"))
    assert "OPEN" not in host.states(task).values()
    assert not host.is_ready()


def test_hardening_breaks_no_kind_of_task(host: Host, mails: MailServer, tmp_path: Path) -> None:
    admin = host.admin
    address = host.description.topurl.split("/")[2].split(":")[0]
    admin.packageListAdd(TAG, "small", admin.getLoggedInUser()["name"])
    with web_server(tmp_path, address) as server:
        commit = git_repository(tmp_path / "git" / "small").commit({"small.spec": spec("small", "")})
        url = f"git+http://{server.address}/git/small#{commit}"
        chain = admin.chainBuild([[url]], TARGET)
        others = [
            admin.makeTask(method, parameters)
            for method, parameters in (
                ("sleep", [1]),
                ("fork", [1, 1]),
                ("waittest", [1, 1]),
                ("subtask", [0]),
            )
        ]
        done = host.closed(chain)
        hello = host.build(Path(host.description.srpms["hello"]), scratch=False)
    methods = {task.method for task in done}
    assert methods == {"chainbuild", "build", "buildSRPMFromSCM", "buildArch", "tagBuild"}
    for task in (*others, hello, admin.newRepo(BUILD_TAG), admin.makeTask("waitrepo", [BUILD_TAG])):
        host.closed(task)
    say(told(Path(host.description.topdir)))
    (built,) = admin.listBuilds(taskID=hello)
    admin.untagBuild(TAG, built["nvr"])
    for method, number in (("buildNotification", 2), ("tagNotification", 1)):
        made = functools.partial(tasks_of, host, method, number)
        for task in eventually(made, f"{method} of each", seconds=SLOW):
            host.closed(task)
    assert len(mails.received) >= 3
    denied = [
        line
        for line in run("journalctl", "--no-pager", "--output=cat").stdout.splitlines()
        if "denied" in line
    ]
    assert not denied


def tasks_of(host: Host, method: str, number: int) -> list[int]:
    """The tasks of a method, once there are so many."""
    found = [task["id"] for task in host.admin.listTasks({"method": method})]
    return found if len(found) >= number else []


def test_doctor_finds_nothing_wrong_in_the_end(host: Host) -> None:
    run("koji-adjutant", "doctor")
    assert show("ActiveState", "kojid-status.service") == "active"
    for path in ("/", "/readyz", "/metrics"):
        with urllib.request.urlopen(PAGES + path, timeout=SLOW) as answer:
            assert answer.status == HTTPStatus.OK
            assert answer.read()
