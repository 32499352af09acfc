"""What checks look at: configuration, hub, engine and daemon, each asked once and only when somebody wants to know.

Made for one run. Checks run side by side: what is asked of the hub or the engine is asked by the check whose subject
it is, and those that need the answer come after it, so that it is here by then. Nothing is changed: the login is
beside the daemon's own and works on a copy of the ticket cache.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.config import Config, load_config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman.engine_info import EngineInfo, ask_engine
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.container.programs import TOOL_PATH
from koji_adjutant.daemon.cleanup.bound_containers import process_label
from koji_adjutant.daemon.poll import multicall
from koji_adjutant.host.certificates import read_certificates
from koji_adjutant.hub.login import has_certificate
from koji_adjutant.hub.session import brief_session, principal_of, trial_session
from koji_adjutant.journal.public import HOST, HostFacts, public_directory, read_facts
from koji_adjutant.journal.state import ProcessName, read_main

AT_ONCE = 100
NOBODY = "doctor"
"""The worker that trials are labelled with where no daemon has run yet: no sweep takes them for a living one's."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """How the hub answers to this host's credentials. `user` is empty where that cannot be known."""

    user: str
    is_locked: bool
    """Whether another session has the lock, and so is a daemon's."""


class Surroundings:
    """This host, its hub and its engine. What raises once raises whenever it is looked at."""

    def __init__(self, file: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.file = file
        self.environment = environment
        self.report: dict[str, str] = {}
        """What the container of the trial has said (`scripts/look.sh`); empty before that, and without an image."""
        self.served_tags: tuple[dict[str, Any], ...] = ()
        """The build tags for which this host builds, as getBuildConfig has them; told by the check of policies."""
        self.images: dict[str, tuple[str, ...]] = {}
        """The task images that tags use, each with those tags; told by the same."""
        self._asking = threading.Lock()

    @cached_property
    def config(self) -> Config:
        """The daemon's. ConfigError."""
        return load_config(self.file, environment=self.environment)

    # The hub

    def ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """What the hub answers to somebody who has not logged in."""
        with self._asking:
            return self._anonymous.callMethod(method, *args, **kwargs)

    def ask_all(self, method: str, *calls: tuple[tuple[Any, ...], dict[str, Any]]) -> list[Any]:
        """What it answers to many calls of one method, in requests of a hundred."""
        found: list[Any] = []
        for start in range(0, len(calls), AT_ONCE):
            part = calls[start : start + AT_ONCE]
            with self._asking:
                answers = multicall(self._anonymous, [(method, args, kwargs) for args, kwargs in part])
            found += [answers.of(method, number) for number in range(len(part))]
        return found

    @cached_property
    def _anonymous(self) -> Any:
        return brief_session(self.config)

    @cached_property
    def login(self) -> Login:
        """A login beside the daemon's. ConfigError, LoginFailed."""
        with own_tickets(self.config) as config, trial_session(config) as session:
            try:
                return Login(user=str(session.getLoggedInUser()["name"]), is_locked=False)
            except koji.AuthLockError:
                return Login(user=self._claimed_user(), is_locked=True)

    def _claimed_user(self) -> str:
        """Whom the credentials name: a session beside a locked one may not ask."""
        config = self.config
        if has_certificate(config):
            return read_certificates(Path(str(config.cert)))[0].subject
        if config.user:
            return config.user
        found = self.ask("getUser", {"krb_principal": principal_of(config)})
        return str(found["name"]) if found else ""

    @cached_property
    def hosts_of_login(self) -> list[dict[str, Any]]:
        """The hub's records of the hosts that this login stands for: one, where all is well."""
        user = self.ask("getUser", self.login.user) if self.login.user else None
        return list(self.ask("listHosts", userID=user["id"])) if user else []

    @property
    def host(self) -> dict[str, Any]:
        """The hub's record of this host."""
        return self.hosts_of_login[0]

    @cached_property
    def channels(self) -> list[dict[str, Any]]:
        """The channels that this host is in."""
        return list(self.ask("listChannels", self.host["id"]))

    # The engine

    @cached_property
    def manager(self) -> PodmanManager:
        """The engine."""
        config = self.config
        return PodmanManager(
            str(config.podman_socket), config.container_timeouts, str(config.registry_auth_file or "")
        )

    @cached_property
    def engine(self) -> EngineInfo:
        """What it says of itself."""
        return ask_engine(self.manager)

    @property
    def worker(self) -> str:
        """The daemon's name among the workers of the engine."""
        try:
            return (self.config.state_dir / "worker").read_text().strip() or NOBODY
        except OSError:
            return NOBODY

    @property
    def storage(self) -> Path | None:
        """Where the engine's storage is for us; None where it is not on this machine."""
        path = self.config.our_path(self.engine.storage)
        return path if path.is_dir() else None

    def short_container(self, command: tuple[str, ...]) -> ContainerSpec:
        """A container of the default task image with no network, no mount and no privilege.

        It carries the name of this process: a sweep removes it should this process be killed.
        """
        owner = Owner(worker=self.worker).labels(Role.TOOL)
        return ContainerSpec(
            image=self.config.task_image_default,
            command=command,
            labels={**owner, labels.PROCESS: process_label(os.getpid())},
            environment={"PATH": TOOL_PATH},
        )

    # The daemon

    @cached_property
    def main(self) -> ProcessName | None:
        """The main process, where it runs."""
        found = read_main(self.config.state_dir)
        return found if found is not None and found.is_alive() else None

    @cached_property
    def facts(self) -> HostFacts | None:
        """What the daemon shows of itself; None where none runs, or where it shows nothing."""
        found = read_facts(HostFacts, public_directory(self.config.state_dir) / HOST)
        return found if found is not None and found.writer.is_alive() else None

    def environment_of_daemon(self) -> Mapping[str, str]:
        """That of the main process; this process' own where none runs, or where it may not be looked at."""
        if self.main is None:
            return self.environment
        try:
            found = Path(f"/proc/{self.main.pid}/environ").read_bytes()
        except OSError:
            return self.environment
        entries = (one.decode(errors="surrogateescape") for one in found.split(b"\0") if b"=" in one)
        return dict(one.split("=", 1) for one in entries)

    def close(self) -> None:
        """Drop the connections to hub and engine."""
        if "manager" in self.__dict__:
            self.manager.close()
        if "_anonymous" in self.__dict__:
            self._anonymous.close()


@contextmanager
def own_tickets(config: Config) -> Iterator[Config]:
    """The configuration with a copy of the ticket cache, to which a login writes."""
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-doctor-") as directory:
        copy = Path(directory, "ccache")
        source = Path(config.ccache)
        if source.is_file() and source.stat().st_size:
            shutil.copyfile(source, copy)
        yield replace(config, ccache=str(copy))
