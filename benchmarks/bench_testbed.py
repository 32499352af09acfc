"""The testbed that is measured on: what it takes to build on it, to make it forget, and to see what a build cost.

Only what the benchmark needs to be quick about differs from the testbed of the demo: tasks are made by the
administrator, one buildArch without a parent, so that nothing else runs beside what is measured.
"""

import logging
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.images.keys import EMPTY_IMAGE
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.config import Config, load_config
from koji_adjutant.container import labels
from koji_adjutant.errors import AdjutantError
from koji_adjutant.journal.file import Event
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.content import BUILD_TAG, HOST, TARGET
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.hub_process import HUB, choose_addresses, start_hub
from koji_adjutant.testbed.layout import Layout, layout_at, write_secret
from koji_adjutant.testbed.lifecycle import Options, bring_down, bring_up
from koji_adjutant.testbed.services import Service
from koji_adjutant.testbed.tasks import ENDED, Task, fault_of, task_of, task_output

STEP = 0.2
ASKING = 0.05
"""The share of a task's running time after which the hub is asked for it again."""
TASK_SECONDS = 600.0
IMAGE_SECONDS = 180.0
CAPACITY = 30.0
MAXJOBS = "10"
"""kojid's own default; the testbed has fewer."""
UPLOADS = "cli-build/bench"

logger = logging.getLogger(__name__)


class BenchFailed(AdjutantError):
    """Something did not do what was to be measured."""


@dataclass(frozen=True, kw_only=True)
class BenchTestbed:
    """A testbed that is up."""

    layout: Layout
    description: Description
    session: Any
    engine: Engine
    config: Config

    # Builds

    def submit(
        self, package: str, *, repo: int | None = None, tag: str = BUILD_TAG, method: str = "buildArch"
    ) -> int:
        """A task for one of the distribution's source packages; its number."""
        srpm = Path(self.description.srpms[package])
        if not (Path(self.description.topdir) / "work" / UPLOADS / srpm.name).exists():
            self.session.uploadWrapper(str(srpm), UPLOADS)
        repo_id = repo if repo is not None else self.session.getRepo(tag)["id"]
        tag_id = self.session.getTag(tag, strict=True)["id"]
        path, arch = f"{UPLOADS}/{srpm.name}", self.description.arch
        parameters = {
            "buildArch": [path, tag_id, arch, True, {"repo_id": repo_id}],
            "rebuildSRPM": [path, tag_id, {"repo_id": repo_id}],
        }[method]
        return int(self.session.makeTask(method, parameters, arch=arch))

    def finish(self, task_id: int) -> Task:
        """The task when it is closed; BenchFailed when it fails."""
        began = time.monotonic()
        while (task := task_of(self.session, task_id)).state not in ENDED:
            waited = time.monotonic() - began
            if waited > TASK_SECONDS:
                raise BenchFailed(f"task {task_id} is {task.state} after {TASK_SECONDS:.0f} s")
            # The hub has the times. Who asks it all the time takes from the build what nothing takes from a bare one.
            time.sleep(max(STEP, ASKING * waited))
        if task.state != "CLOSED":
            raise BenchFailed(
                f"task {task_id} ({task.method}) {task.state}: {fault_of(self.session, task_id)}"
            )
        return task

    def build(self, package: str, *, repo: int | None = None, tag: str = BUILD_TAG) -> Task:
        """A buildArch that has ended well."""
        return self.finish(self.submit(package, repo=repo, tag=tag))

    def build_as_a_client(self, package: str) -> tuple[float, Task]:
        """A scratch build from a source package, as `koji build` asks for it; when that began, and its end."""
        srpm = Path(self.description.srpms[package])
        began = time.time()
        self.session.uploadWrapper(str(srpm), UPLOADS)
        task_id = self.session.build(f"{UPLOADS}/{srpm.name}", TARGET, {"scratch": True})
        return began, self.finish(int(task_id))

    def output(self, task: Task) -> Path:
        return task_output(Path(self.description.topdir), task.id)

    def rpms(self, task: Task) -> list[Path]:
        """What a task has built, without source packages."""
        found = self.output(task).glob("*.rpm")
        return sorted(path for path in found if not path.name.endswith(".src.rpm"))

    # What is kept between builds

    def settle(self) -> None:
        """Wait until no image is being made or asked for."""
        deadline = time.monotonic() + IMAGE_SECONDS
        while self.is_imaging():
            if time.monotonic() > deadline:
                raise BenchFailed("images are not made", hint=f"see {self.layout.logs / builder.DAEMON}.log")
            time.sleep(STEP)

    def is_imaging(self) -> bool:
        return any(pending_requests(self.config))

    def forget(self) -> None:
        """Remove all that makes a second build faster: images of buildroots, metadata, packages, solutions."""
        self.settle()
        self.forget_images()
        self.engine.podman("rmi", "--force", EMPTY_IMAGE)
        if self.config.cache_dir.exists():
            for path in self.config.cache_dir.iterdir():
                forget(path)

    def forget_images(self, label: str = f"{labels.ROLE}={labels.Role.IMAGE.value}") -> None:
        """Remove images of buildroots: those with one label, for an engine takes two as alternatives."""
        found = set(
            self.engine.podman(
                "images", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}"
            ).split()
        )
        if found:
            self.engine.podman("rmi", "--force", *sorted(found))

    # The daemon

    @property
    def daemon(self) -> Service:
        found = services.recorded(self.layout.record(builder.DAEMON))
        if found is None:
            raise BenchFailed("the daemon has ended", hint=f"see {self.layout.logs / builder.DAEMON}.stderr")
        return found

    def restart_daemon(self) -> float:
        """Stop and start the daemon; seconds from its start until the hub has heard that it is ready."""
        services.stop(self.layout.record(builder.DAEMON), grace=60.0)
        host = self.session.getHost(HOST)["id"]
        began = time.time()
        builder.start_daemon(self.layout)
        while not (
            self.session.getHost(HOST)["ready"] and self.session.getLastHostUpdate(host, ts=True) > began
        ):
            if time.time() - began > TASK_SECONDS:
                raise BenchFailed("the daemon does not become ready")
            time.sleep(0.02)
        return time.time() - began

    @contextmanager
    def without_daemon(self) -> Iterator[None]:
        """The daemon rests, and what it cares for is left to who measures."""
        services.stop(self.layout.record(builder.DAEMON), grace=60.0)
        try:
            yield
        finally:
            self.restart_daemon()

    def wait_for_poll(self) -> None:
        """Return when the daemon has just asked the hub."""
        host = self.session.getHost(HOST)["id"]
        before = self.session.getLastHostUpdate(host, ts=True)
        while self.session.getLastHostUpdate(host, ts=True) == before:
            time.sleep(0.02)

    @contextmanager
    def polling_by_default(self) -> Iterator[None]:
        """The daemon asks the hub as often as one whose file does not say; a testbed's is in a hurry."""
        hurried = self.layout.kojid_conf.read_text()
        write_secret(self.layout.kojid_conf, re.sub(r"(?m)^sleeptime = .*\n", "", hurried))
        try:
            self.restart_daemon()
            yield
        finally:
            write_secret(self.layout.kojid_conf, hurried)
            self.restart_daemon()

    def restart_hub(self, latency: float) -> None:
        """Start the hub anew, with the same database, so that each request waits `latency` seconds."""
        services.stop(self.layout.record(HUB))
        start_hub(self.layout, choose_addresses(self.layout, self.engine.gateway), {}, latency=latency)

    # What it cost

    def journal(self) -> Sequence[Event]:
        return read_journal(self.layout.journal)

    @property
    def hub_log(self) -> Path:
        return self.layout.logs / f"{HUB}.log"

    @contextmanager
    def hub_lines(self) -> Iterator[list[str]]:
        """What the hub logs in this context; filled at its end."""
        lines: list[str] = []
        before = self.hub_log.stat().st_size
        yield lines
        with self.hub_log.open("rb") as log:
            log.seek(before)
            lines += log.read().decode(errors="replace").splitlines()


def forget(path: Path) -> None:
    """Remove a file, or a directory with all in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def bench_testbed(directory: Path, options: Options) -> Iterator[BenchTestbed]:
    """A testbed below `directory`, taken down and removed at the end."""
    layout = layout_at(directory)
    engine = Engine(layout.engine)
    try:
        description = bring_up(layout, options, say)
        session = admin_session(layout, description.server)
        session.editHost(HOST, capacity=CAPACITY)
        yield BenchTestbed(
            layout=layout,
            description=description,
            session=session,
            engine=engine,
            config=load_config(layout.kojid_conf),
        )
        session.logout()
    finally:
        bring_down(layout, say)
        engine.destroy()
        shutil.rmtree(layout.directory)
