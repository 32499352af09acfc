"""A testbed of a fault run's own, every part of which can be killed and started again from outside.

It stands on its own directory: the daemon's directories and the engine are small file systems there, the hub is behind
a proxy, the daemon has a clock of its own. Who runs the daemon and the engine here is what systemd is on a build host:
what has ended is started again.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import koji

from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import ADMINISTRATOR, admin_password
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.hub_process import HUB, choose_addresses, start_hub
from koji_adjutant.testbed.layout import Layout, layout_at
from koji_adjutant.testbed.lifecycle import Options, Say, bring_down, bring_up
from koji_adjutant.testbed.services import Service
from tests.faults.clock import Clock, clock_below
from tests.faults.hub_proxy import HubProxy, point_at, wait_for_report
from tests.faults.processes import Seen, of_daemon

DISK_MB = 4096
"""Size of the file systems of the daemon (work, state, cache) and of the engine; on disk they take what they hold."""
RESIZINGS = 5
"""Attempts to make a file system as small as what is on it, while others write there."""
PODMAN_SECONDS = 4.0
"""An engine that writes a layer keeps its own command waiting for longer: then there is no target."""
RESTART_SECONDS = 2.0
"""Between the end of a daemon and its next start, as in the unit."""
NEVER_AGAIN = 2
"""The exit code after which the unit does not start it again."""
STOP_SECONDS = 60.0
OPTIONS = Options(kojid={"maxjobs": "8", "minspace": "16"}, adjutant={"limits": "memory=1G"})


class NoTarget(Exception):
    """There is nothing now that this could be done to."""


@dataclass(kw_only=True)
class FaultTestbed:
    """A testbed that is up; `session` is the administrator's, past the proxy."""

    layout: Layout
    description: Description
    engine: Engine
    session: Any
    proxy: HubProxy
    clock: Clock
    is_held_down: bool = False
    """Whether the daemon is not to be started now."""
    is_hub_away: bool = False
    is_engine_away: bool = False
    _is_end_expected: bool = False
    _due: float = 0.0
    _ended: list[str] = field(default_factory=list)
    _given_up: list[str] = field(default_factory=list)
    _pid: int = 0

    @property
    def topdir(self) -> Path:
        return Path(self.description.topdir)

    @property
    def workdir(self) -> Path:
        return self.layout.builder / "work"

    @property
    def daemon_log(self) -> Path:
        return builder.log_of(self.layout)

    # The daemon

    def daemon(self) -> Service:
        """The main process; NoTarget when there is none."""
        found = services.recorded(self.layout.record(builder.DAEMON))
        if found is None:
            raise NoTarget("the daemon does not run")
        return found

    def start_daemon(self) -> Service:
        """Start the daemon as its systemd unit does."""
        self._due = 0.0
        with patch.dict(os.environ, self.clock.environment):
            started = builder.start_daemon(self.layout)
        self._pid = started.pid
        return started

    def stop_daemon(self) -> bool:
        """SIGTERM, and wait; False when it did not run."""
        return services.stop(self.layout.record(builder.DAEMON), grace=STOP_SECONDS)

    def is_daemon_ready(self, *, since: float) -> None:
        """Wait until the hub has heard from the daemon."""
        wait_for_report(self.layout, self.session, self.daemon(), after=since)

    @contextmanager
    def daemon_held_down(self) -> Iterator[None]:
        """In this context the daemon may end, and is not started again."""
        self.is_held_down = self._is_end_expected = True
        try:
            yield
        finally:
            self.is_held_down = False

    def look_after_daemon(self) -> None:
        """Start a daemon that has ended; one that has ended by itself a moment later."""
        if self.is_held_down or services.recorded(self.layout.record(builder.DAEMON)) is not None:
            return
        now = time.monotonic()
        if self._is_end_expected:
            self._is_end_expected = False
            self.start_daemon()
        elif not self._due:
            self._due = now + RESTART_SECONDS
            self._ended.append(self._last_words())
            if self._exit_code() == NEVER_AGAIN:
                self._given_up.append(self._ended[-1])
        elif now >= self._due:
            self.start_daemon()

    def _exit_code(self) -> int | None:
        try:
            _, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status)

    def _last_words(self) -> str:
        """What the last main process has logged last."""
        pid = json.loads(self.layout.record(builder.DAEMON).read_text())["pid"]
        said = self.daemon_log.read_text(errors="replace").splitlines()
        return next((line for line in reversed(said) if f"{{{pid}}}" in line), said[-1])

    def task_processes(self) -> list[Seen]:
        """By what the state directory says, as far as they live."""
        alive = {seen.pid: seen for seen in of_daemon(self.layout.kojid_conf)}
        written = [json.loads(path.read_text()) for path in self.layout.state_dir.glob("tasks/*.json")]
        return [alive[state["pid"]] for state in written if state["pid"] in alive]

    def given_up(self) -> list[str]:
        """The last words of daemons that the unit would not have started again."""
        return list(self._given_up)

    def ended_by_itself(self) -> list[str]:
        """The last words of each daemon that has."""
        return list(self._ended)

    # Hub and engine

    def kill_hub(self, number: signal.Signals) -> None:
        hub = services.recorded(self.layout.record(HUB))
        assert hub is not None, "the hub has ended by itself"
        self.is_hub_away = True
        os.kill(hub.pid, number)
        services.stop(self.layout.record(HUB))

    def start_hub(self) -> None:
        start_hub(self.layout, choose_addresses(self.layout, self.engine.gateway), {})
        self.is_hub_away = False

    @contextmanager
    def engine_held_down(self) -> Iterator[None]:
        """In this context an engine that has ended is not started again."""
        self.is_engine_away = True
        try:
            yield
        finally:
            self.is_engine_away = False
            self.look_after_engine()

    def look_after_engine(self) -> None:
        """Start an engine that has ended."""
        if not self.is_engine_away and self.engine.service() is None:
            self.engine.serve()

    def engine_pid(self) -> int:
        service = self.engine.service()
        if service is None:
            raise NoTarget("the engine does not run")
        return service.pid

    def podman(self, *arguments: str, timeout: float = PODMAN_SECONDS) -> str:
        """The podman command, past the service; NoTarget when it fails, or does not end in time."""
        try:
            done = subprocess.run(
                ["podman", *arguments],
                env=dict(self.engine.environment),
                capture_output=True,
                text=True,
                check=True,
                timeout=timeout,
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            raise NoTarget(f"podman {' '.join(arguments)}: {error}") from None
        return done.stdout

    # The hub's books

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """What the hub's database says, read past the hub."""
        with self._database("ro") as database:
            return database.execute(sql, params or {}).fetchall()

    def change(self, sql: str, params: Mapping[str, Any]) -> int:
        """Change the hub's database behind its back; how many rows."""
        with self._database("rw") as database:
            changed = database.execute(sql, params).rowcount
            database.commit()
        return changed

    @contextmanager
    def _database(self, mode: str) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(f"file:{self.layout.hub}/hub.sqlite?mode={mode}", uri=True, timeout=30)
        try:
            yield database
        finally:
            database.close()

    def sessions(self) -> list[tuple[int, bool]]:
        """Open sessions of the host that have been used, and whether each is a main one.

        A login whose answer was lost leaves a session that nobody has ever known the number of.
        """
        rows = self.rows(
            "SELECT sessions.id, master IS NULL FROM sessions JOIN users ON users.id = user_id "
            "WHERE users.name = :host AND NOT closed AND NOT expired AND callnum IS NOT NULL "
            "ORDER BY sessions.id",
            {"host": HOST},
        )
        return [(int(number), bool(is_main)) for number, is_main in rows]


@contextmanager
def fault_testbed(directory: Path, say: Say, keep: Path | None = None) -> Iterator[FaultTestbed]:
    """A testbed below `directory`, with its daemon behind a proxy; removed at the end, but for logs in `keep`."""
    layout = layout_at(directory)
    engine = Engine(layout.engine)
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, layout.directory)
        for disk in (layout.builder, layout.engine):
            undo.enter_context(_small_disk(disk))
        if keep is not None:
            undo.callback(_keep, layout, keep)
        undo.callback(engine.stop)
        undo.callback(bring_down, layout, say)
        description = bring_up(layout, OPTIONS, say)
        proxy = undo.enter_context(HubProxy(description.server))
        session = _session(layout, description.server)
        undo.callback(_close, session)
        made = FaultTestbed(
            layout=layout,
            description=description,
            engine=engine,
            session=session,
            proxy=proxy,
            clock=clock_below(layout.directory),
        )
        made.stop_daemon()
        point_at(layout, proxy.server)
        began = time.time()
        made.start_daemon()
        made.is_daemon_ready(since=began)
        yield made


def _keep(layout: Layout, where: Path) -> None:
    """Logs, journal and the hub's database."""
    shutil.copytree(layout.logs, where, dirs_exist_ok=True)
    for path in (*layout.state_dir.glob("journal*"), *layout.hub.glob("hub.sqlite*")):
        shutil.copy2(path, where)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """A file system of a fault run is as small as what is on it."""
    for attempt in range(RESIZINGS):
        status = os.statvfs(disk)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        try:
            _resize(disk, f"{max(1, used >> 10)}k")
        except NoTarget:
            # More has been written since.
            if attempt == RESIZINGS - 1:
                raise
        else:
            break
    try:
        yield
    finally:
        _resize(disk, f"{DISK_MB}m")


def _resize(disk: Path, size: str) -> None:
    resize = ["mount", "-o", f"remount,size={size}", str(disk)]
    try:
        subprocess.run(resize, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        raise NoTarget(f"the disk cannot be {size}: {error.stderr!r}") from None


@contextmanager
def _small_disk(where: Path) -> Iterator[None]:
    where.mkdir(parents=True)
    options = f"size={DISK_MB}m,mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "adjutant-faults", str(where)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def _session(layout: Layout, server: str) -> Any:
    """The administrator, who waits for a hub that is being restarted."""
    options = {
        "user": ADMINISTRATOR,
        "password": admin_password(layout),
        "max_retries": 60,
        "retry_interval": 1,
    }
    session: Any = koji.ClientSession(server, options)
    session.login()
    return session


def _close(session: Any) -> None:
    with suppress(koji.GenericError, OSError):
        session.logout()
    session.rsession.close()
