"""Builds that stay in `%build` until a test lets them go on, and the daemon under them: ended and started at will.

Processes of a build are looked for in /proc, by the pid namespace of its container.
"""

import os
import select
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import koji
import pytest

import koji_adjutant
from koji_adjutant.buildroot.images.keys import REPOSITORY
from koji_adjutant.container import labels
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.journal.state import TaskState
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import BUILD_TAG, HOST, TARGET
from koji_adjutant.testbed.tasks import Task, family, task_of
from tests import waiting
from tests.integration.running import OPTIONS, Testbed

T = TypeVar("T")
PATIENCE = 120.0
STEP = 0.05
STARTING = "Starting up"
STOPPING = "Shutting down, please wait"
GO = "/tmp/go"
BUILD = f"""\
n=0
while [ ! -e {GO} ] && [ $n -lt 1200 ]; do n=$((n+1)); echo "line $n"; sleep 0.1; done
echo "lines $n\""""


def eventually(look: Callable[[], T | None], what: str) -> T:
    """What a build on a busy machine comes to in the end."""
    found = waiting.eventually(look, what, seconds=PATIENCE)
    assert found is not None
    return found


@dataclass(frozen=True, kw_only=True)
class Running:
    """A build under way: the task that runs rpmbuild, and what must not change until its end."""

    root: Task
    task: Task
    process: int
    rpmbuild: int
    container: str


@dataclass(frozen=True, kw_only=True)
class Host:
    """The testbed's build host."""

    testbed: Testbed
    programs: Path | None = None
    """Where its `kojid` is, unless it is this installation's."""

    @property
    def state(self) -> StateDirectory:
        return StateDirectory(self.testbed.layout.state_dir)

    @property
    def log(self) -> str:
        return builder.log_of(self.testbed.layout).read_text()

    # The daemon

    def main(self) -> services.Service | None:
        return services.recorded(self.testbed.layout.record(builder.DAEMON))

    def kill(self) -> None:
        """SIGKILL to the main process, and to it alone."""
        main = self.main()
        assert main, "no daemon runs"
        end(main.pid)

    def start(self) -> None:
        """A main process; when this returns, the hub has it as ready."""
        before = self.log.count(STARTING)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in OPTIONS.items():
                environment.setenv(name, value)
            service = builder.start_daemon(self.testbed.layout, self.programs)

        def is_there() -> bool:
            assert service.is_running(), self.log[-2000:]
            return self.log.count(STARTING) > before

        eventually(is_there, "the daemon has started")
        self.wait_for_report()

    def wait_for_report(self) -> None:
        """Until the hub has heard from the daemon once more, and has it as ready."""
        began = time.time()
        host = self.testbed.session.getHost(HOST)["id"]

        def has_reported() -> bool:
            seen = self.testbed.session.getLastHostUpdate(host, ts=True) or 0
            return bool(seen > began and self.testbed.session.getHost(host)["ready"])

        eventually(has_reported, "the daemon is ready")

    def reload(self) -> None:
        """SIGUSR1: the main process starts itself anew."""
        main = self.main()
        assert main, "no daemon runs"
        before = self.log.count(STARTING)
        os.kill(main.pid, signal.SIGUSR1)
        eventually(lambda: self.log.count(STARTING) > before, "it starts anew")
        assert self.main() == main

    def terminate(self) -> float:
        """SIGTERM, and one more: how long it took to end."""
        main = self.main()
        assert main, "no daemon runs"
        began = time.monotonic()
        stops = self.log.count(STOPPING)
        os.kill(main.pid, signal.SIGTERM)
        eventually(lambda: self.log.count(STOPPING) > stops or not main.is_running(), "it stops")
        os.kill(main.pid, signal.SIGTERM)
        wait_for_end(main.pid)
        return time.monotonic() - began

    @contextmanager
    def options(self, **values: str) -> Iterator[None]:
        """Options of section [kojid], from the next start on."""
        conf = self.testbed.layout.kojid_conf
        before = conf.read_text()
        lines = [line for line in before.splitlines() if line.partition(" =")[0] not in values]
        lines[1:1] = [f"{name} = {value}" for name, value in values.items()]
        conf.write_text("\n".join(lines))
        try:
            yield
        finally:
            conf.write_text(before)

    def prune(self) -> None:
        """Remove all buildroot images of the engine, whichever daemon has made them."""
        podman = self.testbed.engine.podman
        if found := podman("images", "--quiet", f"--filter=reference={REPOSITORY}").split():
            podman("rmi", "--force", *dict.fromkeys(found))

    # Builds

    def upload(self, srpm: Path) -> str:
        """A source package where tasks find it."""
        there = f"cli-build/restart-{srpm.stem}-{time.time():.6f}"
        directory = self.testbed.topdir / "work" / there
        directory.mkdir(parents=True)
        shutil.copy(srpm, directory)
        return f"{there}/{srpm.name}"

    def build(self, srpm: Path) -> Running:
        """A scratch build, in `%build`."""
        number = self.testbed.session.build(self.upload(srpm), TARGET, {"scratch": True})
        return self.running(number)

    def build_arch(self, source: str) -> int:
        """A task that builds, and has no parent."""
        repo = self.testbed.session.getRepo(BUILD_TAG)["id"]
        tag = self.testbed.session.getTag(BUILD_TAG)["id"]
        arch = self.testbed.description.arch
        arguments = [source, tag, arch, True, {"repo_id": repo}]
        return int(self.testbed.session.makeTask("buildArch", arguments, arch=arch))

    def running(self, root: int) -> Running:
        """A build of that task, or of its child, once rpmbuild writes its log."""

        def in_build() -> Running | None:
            tasks = tuple(family(self.testbed.session, root))
            assert not {"FAILED", "CANCELED"} & {task.state for task in tasks}, self.testbed.fault(root)
            found = next((task for task in tasks if task.method == "buildArch"), None)
            state = self.state.find(found.id) if found else None
            if found is None or state is None or "line 3\n" not in self.build_log(found.id):
                return None
            container = self.container(found.id)
            if not container or not (rpmbuild := self.rpmbuild(container)):
                return None
            return Running(
                root=tasks[0], task=found, process=state.pid, rpmbuild=rpmbuild, container=container
            )

        found: Running = eventually(in_build, f"task {root} runs rpmbuild")
        return found

    def state_of(self, task: int) -> TaskState:
        state = self.state.find(task)
        assert state, f"task {task} does not run"
        return state

    def build_log(self, task: int) -> str:
        """As the hub has it."""
        log = self.testbed.output(task_of(self.testbed.session, task)) / "build.log"
        return log.read_text() if log.exists() else ""

    def container(self, task: int) -> str:
        """The one that a task builds in, if there is one."""
        found = self.containers(f"{labels.TASK}={task}", f"{labels.ROLE}={labels.Role.BUILD}")
        return found[0] if found else ""

    def containers(self, *wanted: str) -> list[str]:
        filters = [f"--filter=label={one}" for one in wanted]
        return self.testbed.engine.podman("ps", "--all", "--quiet", *filters).split()

    def rpmbuild(self, container: str) -> int:
        """The pid of rpmbuild in a container, here, not there; 0 when there is none."""
        init = self.testbed.engine.podman("inspect", "--format={{.State.Pid}}", container).strip()
        if not Path(f"/proc/{init}/ns/pid").is_symlink():
            return 0
        namespace = Path(f"/proc/{init}/ns/pid").readlink()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "comm").read_text() == "rpmbuild\n" and (
                    process / "ns/pid"
                ).readlink() == namespace:
                    found.append(int(process.name))
        return min(found, default=0)

    def release(self, running: Running) -> None:
        """Let it go on."""
        self.testbed.engine.podman("exec", running.container, "touch", GO)

    def cancel(self, *tasks: int) -> None:
        for task in tasks:
            self.testbed.session.cancelTask(task)
        eventually(lambda: not list(self.state.tasks()), "canceled")

    def events(self, task: int) -> list[str]:
        return [event.name for event in self.testbed.journal() if event.task == task]

    def wait_for_event(self, task: int, phase: str) -> None:
        eventually(lambda: phase in self.events(task), f"task {task}: {phase}")

    # What only the hub's database knows

    def hub_database(self, sql: str, *values: Any) -> list[Any]:
        file = self.testbed.layout.hub / "hub.sqlite"
        with closing(sqlite3.connect(file, timeout=PATIENCE)) as database, database:
            return database.execute(sql, values).fetchall()

    def open_sessions(self) -> int:
        sql = "SELECT s.id FROM sessions s, users u WHERE s.user_id = u.id AND s.closed = 0 AND u.name = ?"
        return len(self.hub_database(sql, HOST))

    def age_sessions(self, seconds: float) -> None:
        sql = "UPDATE sessions SET start_ts = start_ts - ?1, renew_ts = renew_ts - ?1 WHERE user_id ="
        self.hub_database(f"{sql} (SELECT id FROM users WHERE name = ?2)", seconds, HOST)

    def age_report(self, seconds: float) -> None:
        """The host has not reported for so much longer."""
        sql = "UPDATE host SET update_ts = update_ts - ? WHERE id ="
        self.hub_database(f"{sql} (SELECT id FROM host WHERE name = ?)", seconds, HOST)

    @contextmanager
    def other_host(self) -> Iterator[Any]:
        """A session of another host, which takes no tasks."""
        name, admin = "restart-other", self.testbed.session
        if admin.getHost(name) is None:
            admin.addHost(name, [self.testbed.description.arch])
        self.hub_database("UPDATE users SET password = ? WHERE name = ?", name, name)
        session: Any = koji.ClientSession(
            self.testbed.description.server, {"user": name, "password": name, "max_retries": 0}
        )
        admin.enableHost(name)
        session.login()
        session.exclusiveSession()
        try:
            yield session
        finally:
            session.logout()
            session.rsession.close()
            admin.disableHost(name)


def end(pid: int) -> None:
    """SIGKILL, and wait."""
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)


def wait_for_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            assert select.select([handle], [], [], PATIENCE)[0], f"process {pid} does not end"
        finally:
            os.close(handle)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def installed_copy(directory: Path, name: str) -> Path:
    """Another installation of this package, which says its name when it starts; where it is found."""
    copy = directory / name / "koji_adjutant"
    shutil.copytree(Path(koji_adjutant.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    loop = copy / "daemon" / "main_loop.py"
    text = loop.read_text()
    assert text.count("Starting up") == 1
    loop.write_text(text.replace("Starting up", f"Starting up the {name} one"))
    return copy.parent
