"""Results on their way out of a build container: whose fault it is that there is no room for them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import BuildFailed
from koji_adjutant.host.disks import want_of_space
from koji_adjutant.task_adapters.results import ROOM_LEFT, take_packages
from tests.fakes.containers import CommandResult, FakeContainerManager, running

RPMS = "/builddir/build/RPMS"


def take(
    directory: Path, free: int, size: int, monkeypatch: pytest.MonkeyPatch, *, takes: int = 0
) -> tuple[Path, ...]:
    """Of a disk of 1 GiB; the package says that it has `size` bytes, and `takes` so many where it is."""
    said = f"{takes >> 10}\t{RPMS}\n".encode()
    manager = FakeContainerManager({("du", "-sk", RPMS): CommandResult(output=(("stdout", said),))})
    manager.add_image("image:1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=1 << 30))
    with running(manager, ContainerSpec(image="image:1", command=("sleep",), labels={})) as container:
        manager.container(container).files[f"{RPMS}/x-1-1.noarch.rpm"] = b"x" * size
        try:
            return take_packages(manager, container, RPMS, directory, failed="error building package")
        finally:
            # What a build has left running could answer for a command of its own user.
            assert {command.user for command in manager.commands[1:]} <= {"0:0"}


@pytest.mark.parametrize("free", [100 << 20, ROOM_LEFT, ROOM_LEFT + 1, 1 << 40])
def test_results_are_taken_where_tasks_are(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = take(tmp_path, free, 1 << 20, monkeypatch)
    assert found.stat().st_size == 1 << 20


@pytest.mark.parametrize("free", [0, 1000])
def test_a_full_disk_is_none_of_the_package_s_faults(
    free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="no space left for the results") as raised:
        take(tmp_path, free, 1000, monkeypatch)
    assert want_of_space(raised.value) is raised.value


@pytest.mark.parametrize(
    ("takes", "fault"),
    [(33 << 20, OSError), (513 << 20, BuildFailed), (4096, BuildFailed), (32 << 20, BuildFailed)],
)
def test_results_that_an_empty_disk_would_take_are_none_of_its_faults_either(
    takes: int, fault: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        OSError: "no space left for the results",
        BuildFailed: r"error building package; its results cannot be taken: .*x-1-1",
    }
    with pytest.raises(fault, match=said[fault]):
        take(tmp_path, 64 << 20, (32 << 20) + 1, monkeypatch, takes=takes)
