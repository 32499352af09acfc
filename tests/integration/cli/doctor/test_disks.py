"""Faults of disks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cli.doctor.faults import FAILURE, WARNING, Fault, Ground, Table, assert_found

table = Table()
table.configured(
    "less space than minspace", check="disks.space", status=FAILURE, says="minspace", pain=4, minspace=10**9
)
table.configured(
    "caches that are larger than their disk",
    check="disks.caches",
    status=WARNING,
    says="caches may take",
    pain=4,
    adjutant={"buildroot_cache_size": "900T"},
)


@contextmanager
def disk(directory: Path, options: str) -> Iterator[Path]:
    """A file system of its own."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", str(directory)], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@table.fault(
    "a work directory that is full", check="disks.directories", status=FAILURE, says="workdir", pain=4
)
def _(ground: Ground) -> Iterator[None]:
    with disk(ground.directory / "small", "size=1m") as small:
        ground.configure(workdir=small)
        yield


@table.fault("a disk without inodes", check="disks.directories", status=FAILURE, says="files", pain=4)
def _(ground: Ground) -> Iterator[None]:
    with disk(ground.directory / "small", "size=100m,nr_inodes=50") as small:
        ground.configure(workdir=small)
        yield


@table.fault(
    "a work directory that is read-only", check="disks.directories", status=FAILURE, says="read-only", pain=4
)
def _(ground: Ground) -> Iterator[None]:
    with disk(ground.directory / "small", "size=100m,ro") as small:
        ground.configure(workdir=small)
        yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
