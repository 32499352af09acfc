"""Which package manager solves, where this host, in place of a task image, has dnf 4 alone."""

from typing import Any

import pytest

from koji_adjutant.buildroot.install.drivers import DRIVERS, driver
from koji_adjutant.config.package_manager import PackageManagerOptions
from koji_adjutant.errors import BuildrootFailed
from tests.unit.buildroot.install.test_solver import IMAGE, Bench, bench
from tests.unit.buildroot.web import settings_for

__all__ = ["bench"]


def test_each_package_manager_has_a_driver_or_is_refused(bench: Bench) -> None:
    assert {"dnf", "dnf4", "yum", "dnf5"} == set(DRIVERS)
    assert [driver(settings_for(package_manager=name)) for name in DRIVERS] == [
        "dnf4",
        "dnf4",
        "dnf4",
        "dnf5",
    ]
    bench.repo("one")
    with pytest.raises(
        BuildrootFailed,
        match=r"the package manager of tag dist-build is 'microdnf'; this builder has dnf, dnf4, yum, dnf5",
    ):
        bench.solver("one", package_manager="microdnf").group()


def test_a_task_image_without_the_package_manager_fails_the_task(bench: Bench) -> None:
    bench.repo("one")
    with pytest.raises(BuildrootFailed) as raised:
        bench.solver("one", package_manager="dnf5").group()
    assert str(raised.value).startswith(
        "tag dist-build is solved with dnf5, which needs python3-libdnf5: "
        f"task image {IMAGE.reference} does not have it"
    )
    # Nothing is wrong with the metadata, and nothing was made of them.
    bench.fetched()
    assert bench.solver("one").group().install
    assert bench.fetched() == []


def test_another_package_manager_takes_its_place_where_that_is_allowed(bench: Bench) -> None:
    bench.repo("one")
    options = PackageManagerOptions(allow_erasing=False)
    chosen: dict[str, Any] = {"package_manager": "dnf5", "fallbacks": (("dnf4", options),)}
    solution = bench.solver("one", **chosen).group()
    assert solution == bench.solver("one").group()
    assert len(bench.manager.specs) == 2
    assert b"WARNING: dnf4 solves in place of dnf5: there is no python3-libdnf5" in bench.log.text
    assert bench.solver("one", **chosen).cached_group() == solution
    assert bench.solver("one", package_manager="dnf5").cached_group() is None
