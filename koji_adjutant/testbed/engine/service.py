"""A podman engine of the testbed's own: service, storage, locks, network and bridge, all told by one directory.

It runs from `start` to `stop`, also beyond the process that started it; a state file says which process it is.
Two engines in two directories never meet. `stop` ends exactly its own, and leaves its images for the next start;
`destroy` leaves nothing.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineError, EngineUnavailable
from koji_adjutant.host.files import boot_id
from koji_adjutant.testbed.engine import rootless
from koji_adjutant.testbed.engine.bridge import (
    Bridge,
    bridge_for,
    extra_links,
    lower_bridge,
    network_file,
    raise_bridge,
)
from koji_adjutant.testbed.engine.probe import (
    PATIENCE,
    STEP,
    Choice,
    EngineLayout,
    clear,
    current_limits,
    helpers,
    probe,
)
from koji_adjutant.testbed.engine.processes import Process, mounts_below, process

READY_WITHIN = 60.0


class Engine:
    """An engine, all of whose files are below `directory`."""

    def __init__(self, directory: Path, choice: Choice | None = None) -> None:
        """With a `choice`, that of another engine on this host, nothing is tried."""
        self.layout = EngineLayout(home=directory.resolve())
        self._known_choice = choice
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        """Where all of it is."""
        return self.layout.home

    @property
    def socket(self) -> str:
        """Path of the service's socket."""
        return str(self.layout.brief / "podman.sock")

    @property
    def environment(self) -> Mapping[str, str]:
        """What the podman command has to see to work on this engine."""
        return self.layout.environment

    @property
    def network(self) -> str:
        """Name of the engine's network, which is also its default one; a rootless engine has that of the host."""
        return rootless.NETWORK if rootless.is_rootless() else self.bridge.name

    @property
    def gateway(self) -> str:
        """Address of this host on the engine's network, there as long as the engine runs."""
        return rootless.LOOPBACK if rootless.is_rootless() else self.bridge.gateway

    # From start to stop

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __del__(self) -> None:
        if self._child is not None:
            self._child.returncode = 0  # The service goes on without us; Popen is not to complain of that.

    def start(self) -> None:
        """Start it, unless it runs. It goes on when this process ends."""
        if self.service() is not None:
            return
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self._start(self.choice)
        except BaseException:
            self.stop()
            raise

    def _start(self, choice: Choice) -> None:
        if rootless.is_rootless():
            self.layout.write(choice)
            self.serve()
            return
        bridge = bridge_for(self.home)
        self.layout.write(choice, network=bridge.name, subnet=bridge.subnet)
        self._write("bridge.json", asdict(bridge))
        self._write(f"networks/{bridge.name}.json", network_file(bridge))
        self.serve()
        raise_bridge(bridge)

    @property
    def choice(self) -> Choice:
        """How it is run. What was found in this boot under these limits holds still."""
        if self._known_choice is None:
            self._known_choice = self._find_choice()
        return self._known_choice

    def _find_choice(self) -> Choice:
        known = self._read("choice.json")
        stamp = {
            "boot_id": boot_id(),
            "limits": {name: list(pair) for name, pair in current_limits().items()},
        }
        if known.get("stamp") == stamp:
            return Choice(driver=known["driver"], runtime=known["runtime"], **current_limits())
        found = probe(self.home)
        self._write("choice.json", {"stamp": stamp, "driver": found.driver, "runtime": found.runtime})
        return found

    def serve(self) -> None:
        """Start the service alone, on what is there; for one that died. `start` begins anew."""
        self._reap()
        with (self.home / "service.log").open("wb") as log:
            self._child = subprocess.Popen(
                ["podman", "system", "service", "--time=0", f"unix://{self.socket}"],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started = process(self._child.pid)
        if started is not None:
            self._write("service.json", {**asdict(started), "boot_id": boot_id()})
        self._wait_until_ready(self._child)

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait(PATIENCE)
            self._child = None

    def _wait_until_ready(self, service: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                with closing(PodmanManager(self.socket, Timeouts())) as manager:
                    manager.ping()
            except EngineUnavailable:
                if service.poll() is not None or time.monotonic() > deadline:
                    said = (self.home / "service.log").read_text(errors="replace").strip()
                    raise EngineUnavailable(
                        f"the podman service in {self.home} did not start: {said or 'it said nothing'}"
                    ) from None
                time.sleep(STEP)
            else:
                return

    def service(self) -> Process | None:
        """The service's process; None when it does not run."""
        state = self._read("service.json")
        if state.pop("boot_id", "") != boot_id():
            return None
        found = Process(**state)
        return found if found.alive() else None

    def answering(self) -> Process | None:
        """The process that answers at the socket: the service's, or a child of that, which ends with it."""
        service = self.service()
        return service and process(rootless.serving(service.pid))

    def stop(self) -> bool:
        """End the service and remove all containers and what is theirs; whether it ran. Images stay."""
        service = self.service()
        if (self.home / "containers.conf").exists():
            self._remove_containers()
        if service is not None:
            service.end(PATIENCE)
        self._reap()
        clear(self.layout)
        if bridge := self._known_bridge():
            lower_bridge(bridge)
        self._forget()
        return service is not None

    def destroy(self) -> None:
        """Stop, and remove images and all files too."""
        self.stop()
        self.layout.remove_storage()
        self.layout.forget()
        if self.home.exists():
            shutil.rmtree(self.home)

    def _remove_containers(self) -> None:
        # The command works on the storage itself, whether or not the service answers.
        for identifier in self.podman("ps", "--all", "--external", "--quiet", "--no-trunc").split():
            self.podman("rm", "--force", "--time", "0", "--volumes", identifier)
        if bridge := self._known_bridge():
            with suppress(EngineError):
                self.podman("network", "rm", "--force", bridge.name)

    def helpers(self) -> list[Process]:
        """Processes of the engine beside its service."""
        return helpers(self.home, self.service(), self.answering())

    def mounts(self) -> list[str]:
        """Mount points of the engine's, deepest first."""
        keeper = rootless.keeper(self.layout.keeper)
        return mounts_below(self.home, keeper.pid if keeper else "self")

    def links(self) -> list[str]:
        """Links of containers on the engine's bridge, if it has one."""
        bridge = self._known_bridge()
        return [f"{link} on {bridge.name}" for link in extra_links(bridge)] if bridge else []

    def _forget(self) -> None:
        for name in ("service.json", "bridge.json"):
            (self.home / name).unlink(missing_ok=True)
        Path(self.socket).unlink(missing_ok=True)
        self.layout.forget()

    # Use

    def podman(self, *arguments: str) -> str:
        """Run the podman command on this engine; what it prints."""
        done = subprocess.run(
            ["podman", *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EngineError(f"podman {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def load_archive(self, path: Path) -> tuple[str, ...]:
        """Load an image archive; the references in it."""
        said = self.podman("load", "--quiet", "--input", str(path))
        return tuple(line.partition(": ")[2] for line in said.splitlines() if ": " in line)

    # State

    @property
    def bridge(self) -> Bridge:
        """The bridge of its network."""
        found = self._known_bridge()
        if found is None:
            raise EngineUnavailable(f"the engine in {self.home} does not run", hint="start it first")
        return found

    def _known_bridge(self) -> Bridge | None:
        state = self._read("bridge.json")
        return Bridge(**state) if state else None

    def _read(self, name: str) -> dict[str, Any]:
        path = self.home / name
        return cast("dict[str, Any]", json.loads(path.read_text())) if path.exists() else {}

    def _write(self, name: str, state: Mapping[str, Any]) -> None:
        temporary = self.home / f"{name}.new"
        temporary.write_text(json.dumps(state))
        temporary.replace(self.home / name)
