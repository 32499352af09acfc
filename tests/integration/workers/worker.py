"""Workers in containers: services of packaging/compose.yaml on the testbed's engine, hosts of the testbed's hub.

Each is a compose project of its own, with a host, a kojid.conf and volumes of its own; the volume of downloads is that
of all. In their containers nothing is where this machine has it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koji_adjutant.container import labels
from koji_adjutant.errors import EngineError
from koji_adjutant.journal.file import Event
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.testbed.layout import new_password, write_secret
from tests.integration.restart.installations import ROOT
from tests.integration.restart.running_builds import Host, eventually
from tests.integration.running import Testbed

COMPOSE = ROOT / "packaging" / "compose.yaml"
COMPOSE_SECONDS = 120
SERVICE = "worker"
CACHE = "koji-adjutant-cache"
UID = 1000
TOPDIR = "/mnt/koji"
"""Where the hub's volume is in the containers."""


def log_of(testbed: Testbed, container: str) -> str:
    """What a container has said, on either stream."""
    done = subprocess.run(
        ["podman", "logs", container],
        env=testbed.engine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker and its host, which is called as its project."""

    name: str
    testbed: Testbed
    directory: Path
    image: str
    options: Mapping[str, str] = field(default_factory=dict)
    """Further ones of its kojid.conf."""

    @property
    def id(self) -> int:
        return int(self.testbed.session.getHost(self.name, strict=True)["id"])

    def write_files(self) -> None:
        """Its host on the hub, its kojid.conf, and what this testbed needs besides packaging/compose.yaml."""
        password = new_password()
        session = self.testbed.session
        if session.getHost(self.name) is None:
            session.addHost(self.name, [self.testbed.description.arch])
            session.addHostToChannel(self.name, "createrepo")
        Host(testbed=self.testbed).hub_database(
            "UPDATE users SET password = ? WHERE name = ?", password, self.name
        )
        options = {
            "server": self.testbed.description.server,
            "topurl": self.testbed.description.topurl,
            "topdir": TOPDIR,
            "user": self.name,
            "password": password,
            "sleeptime": "1",
            "minspace": "1024",
            "adjutant_task_image_default": self.testbed.description.task_image,
            "adjutant_image_pull_policy": "never",
            "adjutant_max_load_per_cpu": "1000",
            **self.options,
        }
        write_secret(
            self.conf, "".join(["[kojid]\n", *(f"{key} = {value}\n" for key, value in options.items())])
        )
        os.chown(self.conf, UID, UID)
        # The hub listens on this machine's loopback.
        override = {"services": {SERVICE: {"network_mode": "host"}}}
        self.override.write_text(json.dumps(override))

    @property
    def conf(self) -> Path:
        return self.directory / "kojid.conf"

    @property
    def override(self) -> Path:
        return self.directory / "override.json"

    # The service

    def compose(self, *arguments: str) -> None:
        files = [f"--file={COMPOSE}", f"--file={self.override}"]
        argv = [
            sys.executable,
            "-m",
            "podman_compose",
            "--in-pod=false",
            f"--project-name={self.name}",
            *files,
        ]
        done = subprocess.run(
            [*argv, *arguments],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=COMPOSE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            **os.environ,
            **self.testbed.engine.environment,
            "WORKER_IMAGE": self.image,
            "PODMAN_SOCKET": self.testbed.engine.socket,
            "KOJID_CONF": str(self.conf),
            "KOJI_TOPDIR": str(self.testbed.topdir),
        }

    def up(self) -> None:
        """Start it; when this returns, the hub has it as ready."""
        began = time.time()
        self.compose("up", "--detach", "--no-build")
        eventually(lambda: self.is_ready(since=began), f"{self.name} is ready")

    def is_ready(self, *, since: float = 0.0) -> bool:
        """Whether it has said so to the hub, after `since`."""
        assert self.state == "running", self.log()
        session = self.testbed.session
        said = session.getLastHostUpdate(self.id, ts=True) or 0.0
        return bool(said > since and session.getHost(self.id)["ready"])

    def down(self) -> None:
        """Stop it and remove its container, as an operator does; volumes stay."""
        self.compose("down")

    def end(self) -> None:
        """Whatever has become of it: nothing is left but its name on the hub."""
        podman = self.testbed.engine.podman
        # In order, so that the hub knows that the host's session is over.
        podman("stop", "--ignore", "--time=30", self.container)
        podman("rm", "--force", "--ignore", "--time=0", self.container)
        known = podman("volume", "ls", "--quiet").split()
        for volume in known:
            if volume.startswith(f"{self.name}_") or volume == CACHE:
                # The one of all is in use until the last of them ends.
                with suppress(EngineError):
                    podman("volume", "rm", volume)
        self.testbed.session.disableHost(self.name)

    @property
    def container(self) -> str:
        """Its name."""
        return f"{self.name}_{SERVICE}_1"

    @property
    def state(self) -> str:
        return self.inspect("{{.State.Status}}")

    def inspect(self, template: str) -> str:
        return self.testbed.engine.podman("inspect", f"--format={template}", self.container).strip()

    def exec(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["podman", "exec", self.container, *argv],
            env=self.testbed.engine.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self) -> str:
        return log_of(self.testbed, self.container)

    def volume(self, name: str) -> Path:
        """Where this machine has one of its volumes."""
        full = CACHE if name == "cache" else f"{self.name}_{name}"
        said = self.testbed.engine.podman("volume", "inspect", full)
        return Path(json.loads(said)[0]["Mountpoint"])

    # What it does

    @property
    def worker(self) -> str:
        """The name that is on its containers."""
        return (self.volume("state") / "worker").read_text().strip()

    def containers(self) -> list[str]:
        """Those of its tasks."""
        wanted = f"label={labels.WORKER}={self.worker}"
        return self.testbed.engine.podman(
            "ps", "--all", "--quiet", "--no-trunc", f"--filter={wanted}"
        ).split()

    def journal(self) -> list[Event]:
        return read_journal(self.volume("state") / "journal")

    def events(self, task: int) -> list[str]:
        return [event.name for event in self.journal() if event.task == task]

    def host_of(self, task: int) -> Any:
        return self.testbed.session.getTaskInfo(task)["host_id"]
