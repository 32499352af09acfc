"""Sweeps on a real engine: what nobody owns goes, what somebody owns stays, whoever sweeps and however often."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import lock_name, unverified_name
from koji_adjutant.buildroot.images.requests import ImageRequest, requests_directory
from koji_adjutant.config import Config
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.labels import Owner, Role, names_of
from koji_adjutant.container.podman import conmon
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.daemon.cleanup.containers import SweepIntervals
from koji_adjutant.daemon.cleanup.sweeps import Sweeps
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.errors import EngineError
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import replace_json
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.testbed.engine.processes import engine_tools
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import IMAGE, Output, spec
from tests.integration.restart.running_builds import Host, end, eventually

pytestmark = pytest.mark.podman

KEY = "ab" * 32
OLD = 30 * 86400.0


QUICK = SweepIntervals(making=0.1, settle=0.1)


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A daemon as far as its sweeps know it; work and cache directory are those of all workers."""

    name: str
    sweeps: Sweeps
    manager: PodmanManager

    @property
    def config(self) -> Config:
        return self.sweeps.services.config

    @property
    def state(self) -> StateDirectory:
        return self.sweeps.state

    def container(
        self, task: int | None, role: Role = Role.BUILD, *, name: str = "", run: bool = True
    ) -> str:
        labels = Owner(worker=self.name, task_id=task).labels(role)
        container = self.manager.create(replace(spec(own_labels=labels), name=name))
        if run:
            self.manager.start(container)
        return container

    def living(self, task: int) -> str:
        """A task that runs, with a container; its process is this one."""
        self.state.begin(task, "buildArch", str(self.workdir(task)))
        return self.container(task)

    def dead(self, task: int) -> str:
        """A task whose process is gone."""
        state = self.state.begin(task, "buildArch", str(self.workdir(task)))
        self.state.save(replace(state, start_time=1))
        return self.container(task)

    def workdir(self, task: int) -> Path:
        directory = Path(self.config.workdir, "tasks", str(task), str(task))
        directory.mkdir(parents=True, exist_ok=True)
        return directory


@pytest.fixture
def workers(engine: Engine, contract_image: str, tmp_path: Path) -> Iterator[tuple[Worker, Worker]]:
    assert contract_image == IMAGE
    with ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            config = Config(
                server="http://127.0.0.1/kojihub",
                topurls=("http://127.0.0.1/kojifiles",),
                topdir=str(tmp_path / "topdir"),
                workdir=str(tmp_path / "work"),
                state_dir=tmp_path / name,
                cache_dir=tmp_path / "cache",
            )
            state = StateDirectory(config.state_dir)
            state.lock()
            stack.callback(state.unlock)
            manager = PodmanManager(engine.socket, Timeouts())
            stack.callback(manager.close)
            services = Services(config=config, manager=manager, journal=NullJournal(), worker=name)
            made.append(
                Worker(
                    name=name, sweeps=Sweeps(services=services, state=state, intervals=QUICK), manager=manager
                )
            )
        requests_directory(made[0].config).mkdir(parents=True)
        one, two = made
        yield one, two
        for worker in made:
            worker.sweeps.everything()


def there(engine: Engine) -> set[str]:
    return set(engine.podman("ps", "--all", "--quiet", "--no-trunc").split())


def test_two_workers_leave_each_other_alone(engine: Engine, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    theirs = {two.living(7), two.dead(8), two.container(None, Role.IMAGE), two.container(9, run=False)}
    mine = {one.living(7)}
    one.dead(8)
    one.container(None, Role.IMAGE)
    one.container(9, run=False)
    (one.config.cache_dir / "image-two-x").mkdir()
    (one.config.cache_dir / "image-one-x").mkdir()
    for _ in range(2):
        one.sweeps.again(frozenset(), images=True)
        assert there(engine) == mine | theirs
        assert {path.name for path in one.config.cache_dir.glob("image-*-x")} == {"image-two-x"}
    for _ in range(2):
        one.sweeps.everything()
        assert there(engine) == theirs
    assert not list(one.state.tasks())
    assert [state.task for state in two.state.tasks()] == [7, 8]
    two.sweeps.everything()
    assert there(engine) == set()


def test_what_an_earlier_main_process_has_left_running_stays(
    engine: Engine, workers: tuple[Worker, Worker]
) -> None:
    one, _ = workers
    adopted = one.living(7)
    one.dead(8)
    one.sweeps.everything(frozenset({7}))
    assert there(engine) == {adopted}
    assert [state.task for state in one.state.tasks()] == [7]
    assert Path(one.config.workdir, "tasks/7/7").is_dir()


def test_a_root_that_was_mounted_and_never_started(engine: Engine, workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    root = one.manager.mount_root(one.container(9, run=False))
    assert root in engine.mounts()
    one.sweeps.again(frozenset(), images=False)
    assert root not in engine.mounts()


def never_finished(engine: Engine, name: str) -> str:
    """A container that is in the engine's storage only, as one whose service was killed while it was made."""
    conf = Path(engine.environment["CONTAINERS_CONF"])
    elsewhere = conf.with_name("elsewhere.conf")
    elsewhere.write_text(
        conf.read_text().replace("[engine]", f'[engine]\nstatic_dir = "{conf.parent}/elsewhere"')
    )
    return subprocess.run(
        ["podman", "create", "--quiet", f"--name={name}", IMAGE, "true"],
        env={**engine.environment, "CONTAINERS_CONF": str(elsewhere)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_containers_that_only_the_storage_knows(engine: Engine, workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    names = (names_of(one.name), names_of(two.name), lock_name(KEY), "somebody-elses-")
    mine, theirs, image, other = (never_finished(engine, f"{name}x") for name in names)
    assert not there(engine)
    with pytest.raises(EngineError) as refused:
        one.container(None, Role.IMAGE, name=f"{lock_name(KEY)}x")
    assert refused.value.status == HTTPStatus.CONFLICT
    one.sweeps.again(frozenset(), images=False)
    assert {found.id for found in one.manager.find_unfinished()} == {theirs, other}
    assert not {mine, image} & {theirs, other}
    two.sweeps.again(frozenset(), images=False)
    assert {found.id for found in one.manager.find_unfinished()} == {other}
    one.manager.remove(other)


def ask(worker: Worker) -> None:
    """An image is asked for, and was half made when the helper died."""
    request = ImageRequest(
        key=KEY, task_image="t", tag_name="t", repo_id=1, arch="x", group="g", packages=(), contents=""
    )
    replace_json(requests_directory(worker.config) / f"{KEY}.json", {**asdict(request), "removed": []})
    worker.manager.tag_image(IMAGE, unverified_name(KEY))


def test_a_half_made_image(workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    ask(one)
    one.sweeps.again(frozenset(), images=False)
    assert one.manager.has_image(unverified_name(KEY))
    one.sweeps.again(frozenset(), images=True)
    assert not one.manager.has_image(unverified_name(KEY))
    assert one.manager.has_image(IMAGE)


def test_an_image_that_the_other_one_is_making(workers: tuple[Worker, Worker]) -> None:
    one, two = workers
    ask(one)
    two.container(None, Role.IMAGE, name=lock_name(KEY), run=False)
    one.sweeps.everything()
    assert one.manager.has_image(unverified_name(KEY))
    two.sweeps.everything()
    assert not one.manager.has_image(unverified_name(KEY))


@pytest.fixture
def lost_conmon(engine: Engine, workers: tuple[Worker, Worker]) -> Iterator[int]:
    """One that has not noticed that its container was removed."""
    one, _ = workers
    container = one.container(7)
    (first,) = engine_tools(container)
    one.manager.exec(container, ("/bin/true",), Output())
    monitor = next(found for found in engine_tools(container) if found != first)
    os.kill(monitor.pid, signal.SIGSTOP)
    one.manager.remove(container)
    assert monitor.alive()
    yield monitor.pid
    if monitor.alive():
        os.kill(monitor.pid, signal.SIGKILL)


def test_a_lost_monitor_is_ended_and_no_other(workers: tuple[Worker, Worker], lost_conmon: int) -> None:
    one, two = workers
    other = two.living(8)
    living = {one.pid for one in engine_tools(other)}
    one.sweeps.again(frozenset(), images=False)
    eventually(lambda: lost_conmon not in {found.pid for found in conmon.conmons()}, "ended")
    assert living <= {found.pid for found in conmon.conmons()}


def test_a_container_whose_monitor_hangs(engine: Engine, workers: tuple[Worker, Worker]) -> None:
    one, _ = workers
    (monitor,) = engine_tools(one.container(7))
    os.kill(monitor.pid, signal.SIGSTOP)
    one.sweeps.again(frozenset(), images=False)
    assert there(engine) == set()
    eventually(lambda: not monitor.alive(), "the monitor ends")


def old(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for one in (path, path.parent):
        os.utime(one, (time.time() - OLD, time.time() - OLD))
    return path


def test_the_daemon_sweeps_when_it_starts(host: Host, patient: str) -> None:
    """Everything was killed in the middle of a build, and more lies about from before."""
    running = host.running(host.build_arch(patient))
    place = host.testbed.layout
    host.kill()
    end(running.process)
    leftover = old(place.builder / "work/tasks/4711/4711/logs/build.log", "x")
    os.utime(leftover.parent.parent, (time.time() - OLD, time.time() - OLD))
    log = old(host.testbed.topdir / "logs/4711/container.log", "x")
    young = host.testbed.topdir / f"logs/{running.task.id}/container.log"
    image = host.testbed.description.task_image
    worker = host.state.worker()
    left = host.testbed.engine.podman(
        "create", f"--label={_label('worker')}={worker}", f"--label={_label('task-id')}=4711", image, "true"
    )
    host.start()
    eventually(lambda: running.container not in " ".join(host.containers()), "the build's container goes")
    gone: dict[str, Callable[[], bool]] = {
        "a container": lambda: left.strip()[:12] not in host.containers(),
        "a work directory": lambda: not leftover.exists(),
        "an old log": lambda: not log.exists() and not log.parent.exists(),
    }
    for what, is_gone in gone.items():
        eventually(is_gone, f"{what} is swept")
    assert young.exists()
    host.cancel(running.root.id)


def _label(name: str) -> str:
    return f"io.koji.adjutant.{name}"
