"""Disks that become full, each on a small file system of its own: which one it is is said, and what to do.

The package is never told that it has failed, nothing that was cut off is taken for whole, and with room all goes on.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.daemon.engine.trial import EngineTrial
from koji_adjutant.errors import BuildFailed, EngineBroken, EngineUnavailable
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.engine import rootfs
from koji_adjutant.testbed.engine.service import Engine
from tests.contract.containers import IMAGE, PROGRAMS, Output, shell, spec
from tests.fakes.containers import running
from tests.fakes.guards import Aware
from tests.integration.restart.running_builds import Host, Running, eventually

pytestmark = pytest.mark.podman

FILLER = "filler"


@contextmanager
def small_disk(directory: Path, size: str) -> Iterator[Path]:
    """A file system of `size` over a directory."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(directory)], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(disk: Path) -> None:
    """Nothing more can be written."""
    try:
        with (disk / FILLER).open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1 << 16))
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017


def empty(disk: Path) -> None:
    (disk / FILLER).unlink()


def is_ready(host: Host) -> bool:
    return bool(host.testbed.session.getHost(HOST)["ready"])


def begin(host: Host, patient: str) -> Running:
    eventually(lambda: is_ready(host), "the host is ready")
    return host.running(host.build_arch(patient))


def closes(host: Host, container: str, task: int) -> None:
    """The build in that container goes on, and ends well."""
    host.testbed.engine.podman("exec", container, "touch", "/tmp/go")
    ended = host.testbed.wait_task(task)
    assert ended.state == "CLOSED", host.testbed.fault(task)
    log = host.build_log(task).splitlines()
    lines = [line for line in log if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(1, len(lines) + 1)]
    assert f"lines {len(lines)}" in log
    eventually(lambda: not host.state.knows(task), "it has ended")


def another_container(host: Host, running: Running) -> str:
    """The one that the task builds in when it was begun anew."""

    def found() -> str:
        names = host.containers("io.koji.adjutant.role=build")
        return "" if running.container in names or not names else names[0]

    container: str = eventually(found, "it is begun anew")

    def builds_again() -> bool:
        runs = " ".join(host.events(running.task.id)).split("buildroot-ready")
        return len(runs) > 2 and "rpmbuild-started" in runs[-1]

    eventually(builds_again, "it builds again")
    return container


def test_the_work_directory(host: Host, patient: str) -> None:
    workdir = host.testbed.layout.builder / "work"
    with small_disk(workdir, "800m"):
        running = begin(host, patient)
        fill(workdir)
        eventually(lambda: "freed" in host.events(running.task.id), "it is given back")
        eventually(lambda: not is_ready(host), "the host is not ready")
        # Said once, by whatever was left at that moment: it is still being filled.
        reason = f"Not ready for task: Insufficient disk space at {workdir} (workdir): "
        eventually(lambda: reason in host.log, "the reason is logged")
        assert f"{workdir} (workdir): no space left on device; make room there, or set workdir" in host.log
        empty(workdir)
        closes(host, another_container(host, running), running.task.id)
        assert not list(workdir.glob("tasks/*/*"))


@contextmanager
def state_on_a_disk_of_its_own(host: Host, size: str) -> Iterator[Path]:
    """All of the state but the cache; no daemon runs while it is put there."""
    state = host.testbed.layout.state_dir
    kept, cache = state.with_name("kept"), state.with_name("cache")
    host.terminate()
    (state / "cache").rename(cache)
    shutil.copytree(state, kept, ignore=shutil.ignore_patterns("wake"))
    try:
        with small_disk(state, size):
            shutil.copytree(kept, state, dirs_exist_ok=True)
            state.chmod(0o700)
            (state / "cache").symlink_to(cache)
            try:
                host.start()
                yield state
            finally:
                host.terminate()
    finally:
        shutil.rmtree(kept)
        cache.rename(state / "cache")
        host.start()


def test_the_state_directory(host: Host, patient: str) -> None:
    with state_on_a_disk_of_its_own(host, "16m") as state:
        main = host.main()
        running = begin(host, patient)
        fill(state)
        # The hub hears of it before the log does.
        reason = f"Not ready for task: Insufficient disk space at {state}"
        eventually(lambda: reason in host.log, "the reason is logged")
        assert not is_ready(host)
        closes(host, running.container, running.task.id)
        assert host.main() == main
        empty(state)
        eventually(lambda: is_ready(host), "the host is ready")
        again = begin(host, patient)
        closes(host, again.container, again.task.id)


def test_the_hubs_volume_where_container_log_is(host: Host, patient: str) -> None:
    logs = host.testbed.topdir / "logs"
    logs.mkdir(exist_ok=True)
    with small_disk(logs, "64k"):
        running = begin(host, patient)
        fill(logs)
        closes(host, running.container, running.task.id)
    assert f"container.log of task {running.task.id} ends here" in host.log


# The engine's storage


@pytest.fixture
def small_engine(engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """An engine whose storage has room for an image and little else."""
    home = tmp_path / "engine"
    home.mkdir()
    archive = tmp_path / "root.tar"
    archive.write_bytes(rootfs.archive((*PROGRAMS, "du")))
    with small_disk(home, "192m"):
        own = Engine(home / "e", choice=engine.choice)
        try:
            own.start()
            own.podman("import", "--quiet", str(archive), IMAGE)
            yield own
        finally:
            own.destroy()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://127.0.0.1/kojihub",
        topurls=("http://127.0.0.1/kojifiles",),
        state_dir=tmp_path / "state",
        workdir=str(tmp_path),
        task_image_default=IMAGE,
    )


def test_the_engines_storage(small_engine: Engine, config: Config) -> None:
    manager = PodmanManager(small_engine.socket, Timeouts())
    trial = EngineTrial(config=config, worker="w")
    trial(manager)
    fill(small_engine.home)
    with pytest.raises(EngineBroken, match=r"storage (cannot be written|is full).*podman system df"):
        trial(manager)
    empty(small_engine.home)
    trial(manager)
    manager.close()


@pytest.mark.parametrize("role", [Role.INSTALLER, Role.BUILD])
@pytest.mark.parametrize("is_full", [False, True])
def test_one_that_says_that_it_is_full(
    small_engine: Engine, config: Config, role: Role, *, is_full: bool
) -> None:
    manager = PodmanManager(small_engine.socket, Timeouts())
    guarded = Aware(manager, replace(config, minspace=1))
    build = spec(own_labels=Owner(worker="w", task_id=1).labels(Role.BUILD))
    said = shell("echo 'x: No space left on device' >&2; exit 1")
    expected = EngineBroken if is_full else BuildFailed
    with pytest.raises(expected), guarded.diagnosed(), running(guarded, build) as container:
        if is_full:
            fill(small_engine.home)
            # The engine still works, and nobody else does.
            os.truncate(filler := small_engine.home / FILLER, filler.stat().st_size - (40 << 20))
        if role is Role.BUILD:
            assert guarded.exec(container, said, Output()) == 1
        else:
            other = replace(build, command=said, labels=Owner(worker="w", task_id=1).labels(role))
            assert guarded.run(other, Output()) == 1
        raise BuildFailed("error building package")
    manager.close()


def test_a_build_that_finds_it_full(small_engine: Engine, config: Config) -> None:
    manager = PodmanManager(small_engine.socket, Timeouts())
    guarded = Aware(manager, config)
    labels = Owner(worker="w", task_id=1).labels(Role.BUILD)
    directory = shell("while :; do head -c 1M /dev/zero >>/work/f || exit 1; done")
    with (
        pytest.raises(EngineUnavailable, match="storage"),
        guarded.diagnosed(),
        running(guarded, spec(own_labels=labels)) as container,
    ):
        # Where there is no room for its exit code either, the engine says none.
        assert guarded.exec(container, directory, Output()) == 1
        raise BuildFailed("error building package")
    manager.close()
