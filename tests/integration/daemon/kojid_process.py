"""A daemon as a process of its own, and what a test wants to know of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.journal.file import Event
from koji_adjutant.journal.phases import HostEvent
from koji_adjutant.journal.reader import read_journal
from tests.hubs import HOST, PASSWORD, Hub
from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[3]
FIGURES = frozenset({HostEvent.USAGE.value, HostEvent.REQUESTS.value})
PROGRAM = "import sys; from koji_adjutant.cli.kojid import kojid; sys.exit(kojid())"


@dataclass(frozen=True, kw_only=True)
class Kojid:
    """A host of the hub's, whose daemon can be started."""

    hub: Hub
    directory: Path
    socket: str
    is_measured: bool = False
    """Whether its memory is: without the memory that measuring its coverage takes."""
    source: Path = ROOT
    """Where its program is."""

    @property
    def state(self) -> Path:
        return self.directory / "state"

    @property
    def log(self) -> Path:
        return self.directory / "kojid.log"

    def write_config(self, **options: str) -> Path:
        kojid = {
            "server": self.hub.hub.url,
            "topurl": self.hub.hub.topurl,
            "topdir": str(self.hub.hub.topdir),
            "user": HOST,
            "password": PASSWORD,
            "workdir": str(self.directory / "work"),
            "sleeptime": "1",
            "pluginpath": str(Path(__file__).with_name("plugins")),
            "plugin": "until",
            "minspace": "1",
            "max_retries": "3",
            "retry_interval": "1",
            "adjutant_max_load_per_cpu": "1000",
            "adjutant_log_file": "",
            "adjutant_state_dir": str(self.state),
            "adjutant_podman_socket": self.socket,
            **options,
        }
        file = self.directory / "kojid.conf"
        file.write_text("[kojid]\n" + "".join(f"{key} = {value}\n" for key, value in kojid.items()))
        return file

    @property
    def environment(self) -> dict[str, str]:
        own = {**os.environ, "PYTHONPATH": str(self.source)}
        if not self.is_measured:
            return own
        return {key: value for key, value in own.items() if not key.startswith("COVERAGE_")}

    def start(self, *flags: str, **options: str) -> subprocess.Popen[bytes]:
        file = self.write_config(**options)
        argv = [sys.executable, "-c", PROGRAM, "--config", str(file), *(flags or ("--fg", "--verbose"))]
        with self.log.open("ab") as log:
            return subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.source, env=self.environment)

    @contextmanager
    def running(self, *flags: str, **options: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self.start(*flags, **options)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)

    def running_pids(self) -> list[int]:
        """Processes that were started with our configuration."""
        wanted = str(self.directory / "kojid.conf").encode()
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if wanted in words:
                found.append(int(file.parent.name))
        return found

    def task_state(self, task: int) -> str:
        return str(koji.TASK_STATES[self.hub.admin.getTaskInfo(task)["state"]])

    def wait_for(self, task: int, state: str) -> None:
        eventually(lambda: self.task_state(task) == state, f"task {task} {state}\n{self.log.read_text()}")

    def pid_of(self, task: int) -> int:
        """The process of a task that has started."""
        return eventually(
            lambda: int(state["pid"]) if (state := self._state_of(task)).get("phase") else 0,
            f"task {task} started",
        )

    def _state_of(self, task: int) -> dict[str, Any]:
        try:
            return dict(json.loads((self.state / "tasks" / f"{task}.json").read_text()))
        except FileNotFoundError:
            return {}

    def events(self, task: int) -> list[str]:
        """What has happened to a task; figures of it come whenever a process ends."""
        return [event.name for event in self.journal() if event.task == task and event.name not in FIGURES]

    def host_events(self) -> dict[str, Event]:
        """The last one of each name that is of no task, without figures."""
        return {
            event.name: event for event in self.journal() if event.task is None and event.name not in FIGURES
        }

    def journal(self) -> list[Event]:
        return read_journal(self.state / "journal")

    def leftovers(self) -> list[str]:
        """Files that nobody should need when no daemon runs."""
        places = (self.state / "tasks", self.directory / "work" / "tasks")
        return [
            str(path)
            for place in places
            if place.exists()
            for path in place.rglob("*")
            if path.parent != place
        ]
