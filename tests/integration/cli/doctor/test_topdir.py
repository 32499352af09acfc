"""Faults of the hub's volume on this host."""

from collections.abc import Iterator

import pytest

from tests.integration.cli.doctor.faults import FAILURE, Fault, Ground, Table, assert_found

table = Table()
table.configured(
    "a volume that is not mounted",
    check="topdir.mount",
    status=FAILURE,
    says="/nowhere/koji",
    pain=5,
    topdir="/nowhere/koji",
)


@table.fault(
    "a link of the volume that leads nowhere", check="topdir.mount", status=FAILURE, says="lead nowhere"
)
def _(ground: Ground) -> Iterator[None]:
    topdir = ground.directory / "koji"
    for name in ("packages", "repos", "vol"):
        (topdir / name).mkdir(parents=True)
    (topdir / "vol" / "archive").symlink_to("/nowhere/archive")
    ground.configure(topdir=topdir)
    yield


@table.fault(
    "a volume of the hub that is not here", check="topdir.volumes", status=FAILURE, says="doctor-vol"
)
def _(ground: Ground) -> Iterator[None]:
    volume = ground.testbed.topdir / "vol" / "doctor-vol"
    volume.mkdir(parents=True, exist_ok=True)
    ground.testbed.session.addVolume("doctor-vol", strict=False)
    volume.rmdir()
    yield
    # The hub keeps it, as hubs do.
    volume.mkdir()


@table.fault(
    "an engine that does not see the volume", check="topdir.engine", status=FAILURE, says="podman cannot show"
)
def _(ground: Ground) -> Iterator[None]:
    ground.configure(adjutant={"host_mount_map": f"{ground.testbed.topdir}:/nowhere/koji"})
    yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
