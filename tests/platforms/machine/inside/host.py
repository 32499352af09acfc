"""The machine as a build host, for tests that run on it: its hub, its service, its processes and containers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.host.processes import start_time
from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.content import BUILD_TAG, HOST, TARGET
from koji_adjutant.testbed.description import Description, read_description
from koji_adjutant.testbed.tasks import Task, family, fault_of, wait_task
from tests.integration.packages import source_package
from tests.platforms.hello import told
from tests.platforms.machine.inside.places import LAYOUT
from tests.waiting import eventually

SLOW = 60.0
"""Seconds for what is waited for (`eventually`), on a machine that is not emulated."""
TASK_SECONDS = 900.0
"""For a task, on one that is."""
LASTING = "sleep 86399 || true"
"""The build of a package that lasts until somebody ends it (`let_go`)."""
SLEEP = b"sleep\x0086399\x00"


@dataclass(frozen=True)
class Process:
    """One, by pid and start time."""

    pid: int
    started: int

    def is_there(self) -> bool:
        return start_time(self.pid) == self.started


@dataclass(frozen=True, kw_only=True)
class Host:
    """The host; `admin` is a session of the hub's administrator."""

    admin: Any
    description: Description

    # The hub

    def build(self, srpm: Path, *, target: str = TARGET, scratch: bool = True) -> int:
        """A build task of a source package."""
        place = f"cli-build/{srpm.stem}-{time.monotonic_ns()}"
        directory = Path(self.description.topdir, "work", place)
        directory.mkdir(parents=True)
        (directory / srpm.name).write_bytes(srpm.read_bytes())
        return int(self.admin.build(f"{place}/{srpm.name}", target, {"scratch": True} if scratch else {}))

    def lasting_build(self, directory: Path) -> int:
        """One that lasts until `let_go`."""
        return self.build(source_package(directory, "lasting", head="BuildArch: noarch", build=LASTING))

    def fault(self, task: int, method: str) -> str:
        """What the hub was told of the subtask of a task that has to fail."""
        wait_task(self.admin, task, timeout=TASK_SECONDS)
        (failed,) = [one for one in family(self.admin, task) if one.method == method]
        assert failed.state == "FAILED"
        return fault_of(self.admin, failed.id)

    def closed(self, task: int) -> tuple[Task, ...]:
        """A task that has to succeed, and all that it has made."""
        done = wait_task(self.admin, task, timeout=TASK_SECONDS)
        assert done.state == "CLOSED", fault_of(self.admin, task)
        return tuple(family(self.admin, task))

    def states(self, task: int) -> dict[str, str]:
        return {one.method: one.state for one in family(self.admin, task)}

    def is_ready(self) -> bool:
        return bool(self.admin.getHost(HOST)["ready"])

    def hello(self) -> None:
        """A repo, and a build of hello; what became of it is said."""
        self.closed(self.admin.newRepo(BUILD_TAG))
        self.closed(self.build(Path(self.description.srpms["hello"]), scratch=False))
        say(told(Path(self.description.topdir)))

    def leave(self) -> None:
        """No session of the administrator's any more."""
        self.admin.logout()
        self.admin.rsession.close()

    # The service

    def main_pid(self) -> int:
        return int(show("MainPID"))

    def rpmbuild(self) -> Process:
        """The rpmbuild of the one build that lasts, once it does."""
        eventually(lambda: list(processes(SLEEP)), "the build is under way", seconds=SLOW, step=0.5)
        found = [Process(pid=pid, started=start_time(pid) or 0) for pid in processes(b"rpmbuild")]
        return min(found, key=lambda one: one.started)

    def let_go(self) -> None:
        """Have the build that lasts go on to its end."""
        for pid in processes(SLEEP):
            os.kill(pid, 15)


def build_host() -> Host:
    description = read_description(LAYOUT)
    return Host(admin=admin_session(LAYOUT, description.server), description=description)


def argv_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def processes(argv: bytes) -> Iterator[int]:
    """Those whose command line begins so, path or no path."""
    for entry in Path("/proc").glob("[0-9]*"):
        line = argv_of(int(entry.name))
        if line.startswith(argv) or line.partition(b"\0")[0].endswith(b"/" + argv):
            yield int(entry.name)


def containers() -> list[str]:
    said = run("podman", "ps", "--all", "--external", "--format", "{{.ID}} {{.Names}} {{.Status}}")
    return said.stdout.splitlines()


def show(name: str, unit: str = "kojid.service") -> str:
    return run("systemctl", "show", unit, f"--property={name}", "--value").stdout.strip()


def run(*argv: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=TASK_SECONDS)
    assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def shell(lines: Sequence[str]) -> None:
    """Commands of a document, each of which has to succeed."""
    for line in lines:
        run("bash", "-c", line)


def say(text: str) -> None:
    """A figure, for who reads the output."""
    sys.stdout.write(f"\n{text}\n")
