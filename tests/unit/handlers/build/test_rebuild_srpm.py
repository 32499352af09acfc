"""rebuildSRPM from the task's parameters to its result, in the base set of its install group."""

from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.errors import TaskTimeout
from koji_adjutant.handlers.build.rebuild_srpm import RebuildSRPMTask
from koji_adjutant.task_adapters.rebuild_srpm import UNPACKED
from koji_adjutant.task_adapters.rpmbuild import FAILED
from tests.fakes.containers import Command, FakeContainer
from tests.unit.handlers.build.build_hub import OF_A_BUILD, SRPM, TaskHub, make_task
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.task_adapters.build_bench import Bench, script_of


@pytest.fixture
def task(bench: Bench, task_hub: TaskHub, make_handler: MakeHandler) -> Any:
    return make_task(RebuildSRPMTask, [SRPM, "dist-build", {"repo_id": 7}], bench, task_hub, make_handler)


def test_a_source_package_is_rebuilt_in_the_base_set(
    task: Any, bench: Bench, task_hub: TaskHub, tmp_path: Path
) -> None:
    source = (tmp_path / "web" / "work" / SRPM).read_bytes()

    def rebuild(container: FakeContainer, _: Command) -> tuple[Any, ...]:
        container.files[f"{UNPACKED}/SRPMS/hello-1.0-1.md1.src.rpm"] = source
        return 0, ("stderr", b"phase rpmbuild-bs\nresult built\n")

    bench.script(script_of("rebuild"), rebuild)
    result = task.run()
    assert task_hub.order == [
        *("repoInfo", "getTag", "getBuildConfig", "getHost"),
        *OF_A_BUILD,
        *("uploadWrapper", "setBuildRootState"),
    ]
    assert result["srpm"] == "tasks/5/5/hello-1.0-1.md1.src.rpm"
    assert result["source"] == {"source": "hello-1.0-1.md1.src.rpm", "url": "hello-1.0-1.md1.src.rpm"}


def test_a_source_package_that_cannot_be_made(task: Any, bench: Bench) -> None:
    bench.script(script_of("rebuild"), lambda *_: (FAILED, ("stderr", b"phase unpack\nresult unpack\n")))
    with pytest.raises(koji.BuildError, match=r"error building srpm, .* status 40; see root\.log"):
        task.run()


def test_a_source_package_that_takes_too_long(task: Any, bench: Bench) -> None:
    def never(*_: Any) -> tuple[Any, ...]:
        raise TaskTimeout("/bin/bash ran longer than 60 s and was killed")

    bench.script(script_of("rebuild"), never)
    with pytest.raises(koji.BuildError, match=r"error building srpm, .* status 11; .* rpmbuild_timeout"):
        task.run()
