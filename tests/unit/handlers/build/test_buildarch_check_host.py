"""Which tasks with a buildroot a host takes."""

import logging
from typing import Any, cast

import koji
import pytest
import requests

from koji_adjutant.config import Config
from koji_adjutant.handlers import buildroot_task
from koji_adjutant.handlers.build.buildarch import BuildArchTask
from koji_adjutant.handlers.build.rebuild_srpm import RebuildSRPMTask


class Hub:
    """Knows one tag."""

    def __init__(self, arches: str | None, problem: Exception | None = None) -> None:
        self.arches = arches
        self.problem = problem

    def getBuildConfig(self, tag: int) -> dict[str, Any]:  # noqa: N802 - the hub's name
        if self.problem:
            raise self.problem
        return {"id": tag, "name": "dist-build", "arches": self.arches}


def takes(
    *,
    host: str | None,
    tag: str | None,
    arch: str = "x86_64",
    kind: type[Any] = BuildArchTask,
    problem: Exception | None = None,
    params: list[Any] | None = None,
) -> bool:
    task: Any = object.__new__(kind)
    task.id, task.method = 5, "buildArch" if kind is BuildArchTask else "rebuildSRPM"
    task.params = ["x.src.rpm", 2, arch, True, {}] if kind is BuildArchTask else ["x.src.rpm", 2, {}]
    task.params = task.params if params is None else params
    task.session, task.opts = Hub(tag, problem), {}
    task.options = Config(server="http://h/kojihub", topurls=("http://h/k",))
    task.logger = logging.getLogger("test")
    return cast("bool", task.checkHost({"arches": host}))


def test_host_and_tag_have_an_arch_in_common() -> None:
    assert takes(host="x86_64 i686", tag="x86_64")
    assert takes(host="i686", tag="i386")
    assert not takes(host="aarch64", tag="x86_64 i386")
    assert not takes(host=None, tag="x86_64")


@pytest.mark.parametrize("tag", [None, ""])
def test_what_the_tag_lacks_no_host_refuses(tag: str | None) -> None:
    assert takes(host="x86_64", tag=tag)
    assert takes(host="x86_64", tag=tag, kind=RebuildSRPMTask)


def test_what_the_request_lacks_no_host_refuses() -> None:
    assert takes(host="x86_64", tag="x86_64", params=[])
    assert takes(host="x86_64", tag="x86_64", params=["x.src.rpm", 2])
    assert takes(host="x86_64", tag="x86_64", params=["x.src.rpm"], kind=RebuildSRPMTask)


@pytest.mark.parametrize(("arch", "taken"), [("i686", True), ("s390x", False), ("noarch", True)])
def test_a_task_is_for_an_arch_that_this_machine_can_run(
    monkeypatch: pytest.MonkeyPatch, arch: str, taken: bool
) -> None:
    monkeypatch.setattr(buildroot_task, "impossible_machines", lambda _: {"s390x", "ppc64le"})
    assert takes(host="x86_64 i686 s390x", tag="x86_64 i386 s390x", arch=arch) is taken


def test_a_source_package_is_made_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildroot_task, "impossible_machines", lambda _: {"x86_64", "i386"})
    assert takes(host="x86_64", tag="x86_64", kind=RebuildSRPMTask)


@pytest.mark.parametrize(
    "problem",
    [requests.ConnectionError("refused"), koji.ServerOffline("maintenance"), koji.RetryError("lost")],
)
def test_a_hub_that_is_away_is_no_reason_to_refuse_a_task(problem: Exception) -> None:
    assert takes(host="x86_64", tag="x86_64", problem=problem)


def test_a_tag_that_is_not_there_no_host_refuses() -> None:
    assert takes(host="x86_64", tag="x86_64", problem=koji.GenericError("No such entry in table tag: none"))
