"""buildArch from the task's parameters to its result: what is asked of the hub, and in which order."""

from typing import Any, cast

import koji
import pytest

from koji_adjutant.container import labels
from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.build.buildarch import BuildArchTask
from koji_adjutant.task_adapters.rpmbuild import FAILED
from tests.unit.handlers.build.build_hub import OF_A_BUILD, SRPM, TaskHub, make_task
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.task_adapters.build_bench import Answer, Bench


def build(bench: Bench, task_hub: TaskHub, make_handler: MakeHandler) -> dict[str, Any]:
    params = [SRPM, 2, "x86_64", False, {"repo_id": 7}]
    return cast("dict[str, Any]", make_task(BuildArchTask, params, bench, task_hub, make_handler).run())


def test_a_build_reports_the_base_set_before_and_the_whole_set_after(
    bench: Bench, task_hub: TaskHub, make_handler: MakeHandler
) -> None:
    result = build(bench, task_hub, make_handler)
    assert task_hub.order == [
        *("repoInfo", "getAverageBuildDuration", "setTaskWeight", "getBuildConfig", "getHost"),
        *OF_A_BUILD,
        *("updateBuildRootList", "uploadWrapper", "setBuildRootState"),
    ]
    assert [call[-1] for call in task_hub.host.calls if call[0] == "setBuildRootState"] == [
        "BUILDING",
        "EXPIRED",
    ]
    assert task_hub.uploaded == ["hello-1-1.x86_64.rpm"]
    assert (result["brootid"], result["srpms"]) == (3, [])
    assert {"tasks/5/5/build.log", "tasks/5/5/mock_config.log"} <= set(result["logs"])
    assert [spec.labels[labels.BUILDROOT] for spec in bench.manager.specs] == ["3"] * 3


def test_a_build_that_fails_reports_the_whole_set_too(
    bench: Bench, task_hub: TaskHub, make_handler: MakeHandler
) -> None:
    bench.answers = {"source": [Answer(code=FAILED)]}
    with pytest.raises(koji.BuildError, match="error building package") as raised:
        build(bench, task_hub, make_handler)
    assert isinstance(raised.value.__cause__, BuildFailed)
    assert task_hub.order[-2:] == ["updateBuildRootList", "setBuildRootState"]
    assert b"task_image_default" in task_hub.files["mock_config.log"]
