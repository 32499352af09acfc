"""What tasks with a buildroot ask of the hub, noted in order; their engine is that of the tests of adapters."""

import dataclasses
from pathlib import Path
from typing import Any

import koji

from tests.unit.handlers.conftest import MakeHandler
from tests.unit.task_adapters.build_bench import Bench, Host, Hub

SRPM = "cli-build/hello-1.0-1.md1.src.rpm"
REPO = {"id": 7, "tag_id": 2, "tag_name": "dist-build", "state": koji.REPO_READY, "create_event": 74}
TAG = {"id": 2, "name": "dist-build", "arches": "x86_64", "extra": {}}
OF_A_BUILD = ["newBuildRoot", "setBuildRootList", "setBuildRootState"]


class TaskHost(Host):
    """Notes what else a task asks of `host`."""

    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self.order = calls

    def __getattribute__(self, name: str) -> Any:
        if name[0] not in "_co":
            self.order.append(name)
        return super().__getattribute__(name)

    def getHost(self) -> dict[str, Any]:  # noqa: N802 - the hub's names
        return {"id": 1, "arches": "x86_64"}

    def setTaskWeight(self, *_: Any) -> None:  # noqa: N802
        """Noted."""


class TaskHub(Hub):
    """A hub with one tag and one repo. `order` are the calls, without those of logs."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.host: TaskHost = TaskHost(self.order)
        self.uploaded: list[str] = []

    def getTaskInfo(self, task: int, *, request: bool = False, strict: bool = False) -> dict[str, Any]:  # noqa: N802
        return {"arch": "noarch", "channel_id": 1, "request": []}

    def repoInfo(self, repo: int, **_: Any) -> dict[str, Any]:  # noqa: N802
        self.order.append("repoInfo")
        return REPO

    def getTag(self, tag: Any, **_: Any) -> dict[str, Any]:  # noqa: N802
        self.order.append("getTag")
        return TAG

    def getBuildConfig(self, tag: Any, **_: Any) -> dict[str, Any]:  # noqa: N802
        self.order.append("getBuildConfig")
        return TAG

    def getAverageBuildDuration(self, *_: Any, **__: Any) -> float:  # noqa: N802
        self.order.append("getAverageBuildDuration")
        return 4800.0

    def uploadWrapper(self, file: str, *_: Any, **__: Any) -> None:  # noqa: N802
        self.order.append("uploadWrapper")
        self.uploaded.append(Path(file).name)


def make_task(
    kind: type[Any], params: list[Any], bench: Bench, hub: TaskHub, make_handler: MakeHandler
) -> Any:
    bench.manager.add_image(bench.config.task_image_default)
    config = dataclasses.replace(bench.config, user_namespace="no")
    return make_handler(kind, 5, params, hub, config=config, manager=bench.manager)
