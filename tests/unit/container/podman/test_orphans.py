"""Processes of containers that the engine does not have: ended, and no other."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.podman.orphans import end_orphan_processes
from tests.fakes.containers import FakeContainerManager

GONE, OTHER = "ab" * 32, "cd" * 32
MakeProcess = Callable[[str, str], "subprocess.Popen[bytes]"]


@pytest.fixture
def manager() -> FakeContainerManager:
    made = FakeContainerManager()
    made.add_image("image:1")
    return made


@pytest.fixture
def process(tmp_path: Path) -> Iterator[MakeProcess]:
    """A process that lives, of which /proc tells a control group and where its root's layers are."""
    with ExitStack() as undo:

        def make(group: str, layers: str) -> "subprocess.Popen[bytes]":
            made = undo.enter_context(subprocess.Popen(["sleep", "60"]))
            undo.callback(made.kill)
            entry = tmp_path / str(made.pid)
            entry.mkdir()
            (entry / "cgroup").write_text(f"9:name=systemd:{group}\n0::{group}\n")
            options = f"rw,lowerdir={layers}/overlay/l/A,upperdir={layers}/overlay/b/diff"
            tables = [f"1 0 0:1 / /proc rw - proc {layers} rw", f"2 0 0:2 / / rw - overlay overlay {options}"]
            (entry / "mountinfo").write_text("\n".join(tables))
            return made

        yield make


def test_of_a_container_that_is_gone(
    manager: FakeContainerManager, process: MakeProcess, tmp_path: Path
) -> None:
    storage = str(manager.storage_path())
    lost = [
        process(f"/libpod_parent/libpod-{GONE}", storage),
        process(f"/machine.slice/libpod-{GONE}.scope/container", storage),
    ]
    kept = [
        process(f"/libpod_parent/libpod-{GONE}", "/other/storage"),
        process(f"/libpod_parent/libpod-conmon-{GONE}.scope", storage),
        process("/user.slice", storage),
    ]
    end_orphan_processes(manager, settle=0.0, proc=tmp_path)
    assert [one.wait(10) for one in lost] == [-9, -9]
    assert [one.poll() for one in kept] == [None, None, None]


def test_of_a_container_that_is_there(
    manager: FakeContainerManager, process: MakeProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    container = manager.create(ContainerSpec(image="image:1", command=("x",), labels={}))
    known = manager.inspect(container)
    monkeypatch.setattr(manager, "inspect", lambda name: known if name == OTHER else None)
    kept = process(f"/libpod_parent/libpod-{OTHER}", str(manager.storage_path()))
    end_orphan_processes(manager, settle=0.0, proc=tmp_path)
    assert kept.poll() is None


def test_of_one_that_goes_by_itself(
    manager: FakeContainerManager, process: MakeProcess, tmp_path: Path
) -> None:
    """A removal that is under way: the engine does not know the container, its process is about to end."""
    kept = process(f"/libpod_parent/libpod-{GONE}", str(manager.storage_path()))
    entry = tmp_path / str(kept.pid)
    end_orphan_processes(manager, sleep=lambda _: (entry / "cgroup").unlink(), proc=tmp_path)
    assert kept.poll() is None
