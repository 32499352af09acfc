"""Which tasks with a buildroot a host takes."""

import logging
from typing import Any, cast

import koji
import pytest
import requests

from koji_adjutant.handlers import buildroot_task
from koji_adjutant.handlers.buildarch import BuildArchTask
from koji_adjutant.handlers.rebuild_srpm import RebuildSRPMTask


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
) -> bool:
    task: Any = object.__new__(kind)
    task.id, task.method = 5, kind.Methods[0]
    task.params = ["x.src.rpm", 2, arch, True, {}] if kind is BuildArchTask else ["x.src.rpm", 2, {}]
    task.session = Hub(tag, problem)
    task.logger = logging.getLogger("test")
    return cast("bool", task.checkHost({"arches": host}))


def test_host_and_tag_have_an_arch_in_common() -> None:
    assert takes(host="x86_64 i686", tag="x86_64")
    assert takes(host="i686", tag="i386")
    assert not takes(host="aarch64", tag="x86_64 i386")
    assert not takes(host=None, tag="x86_64")
    assert not takes(host="x86_64", tag=None)


@pytest.mark.parametrize(("arch", "taken"), [("i686", True), ("s390x", False), ("noarch", True)])
def test_a_task_is_for_an_arch_that_this_machine_can_run(
    monkeypatch: pytest.MonkeyPatch, arch: str, taken: bool
) -> None:
    monkeypatch.setattr(buildroot_task, "can_run", {"i686": True, "s390x": False, "noarch": True}.get)
    assert takes(host="x86_64 i686 s390x", tag="x86_64 i386 s390x", arch=arch) is taken


def test_a_source_package_is_made_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildroot_task, "can_run", {"noarch": True}.get)
    assert takes(host="x86_64", tag="x86_64", kind=RebuildSRPMTask)


@pytest.mark.parametrize(
    "problem",
    [requests.ConnectionError("refused"), koji.ServerOffline("maintenance"), koji.RetryError("lost")],
)
def test_a_hub_that_is_away_is_no_reason_to_refuse_a_task(problem: Exception) -> None:
    assert takes(host="x86_64", tag="x86_64", problem=problem)
    with pytest.raises(koji.GenericError, match="no such tag"):
        takes(host="x86_64", tag="x86_64", problem=koji.GenericError("no such tag"))
