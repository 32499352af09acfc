"""What the containers of a task may take."""

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.policy.containers import TaskLimits, size_text, task_limits
from koji_adjutant.policy.methods import IN_CONTAINERS

GIB = 1 << 30


def limits(tmp_path: Path, method: str = "buildArch", tag: object = None, **options: Any) -> TaskLimits:
    config = Config(server="http://h/hub", topurls=("http://h/files",), state_dir=tmp_path, **options)
    extra = {} if tag is None else {"adjutant.limits": tag}
    return task_limits(config, method=method, tag_name="dist-build", tag_extra=extra)


@pytest.mark.parametrize("method", IN_CONTAINERS)
def test_nothing_but_processes_is_limited_by_default(tmp_path: Path, method: str) -> None:
    found = limits(tmp_path, method)
    assert found == TaskLimits()
    assert found.pids == 32768
    assert not found.watches_disk
    assert found.ncpus is None


@pytest.mark.parametrize(
    ("method", "memory", "cpus", "key"),
    [
        ("buildArch", 8 * GIB, 4, "buildArch.memory"),
        ("rebuildSRPM", 4 * GIB, 4, "memory"),
        ("createrepo", None, 1, "createrepo.memory"),
    ],
)
def test_limits_of_a_method_go_first(
    tmp_path: Path, method: str, memory: int | None, cpus: float, key: str
) -> None:
    found = limits(
        tmp_path,
        method,
        limits={
            "buildArch.memory": 8 * GIB,
            "createrepo.cpus": 1.0,
            "createrepo.memory": None,
            "memory": 4 * GIB,
            "cpus": 4.0,
        },
    )
    assert (found.memory, found.cpus) == (memory, cpus)
    assert found.hint("memory") == f"raise {key} in limits of the builder"


@pytest.mark.parametrize("as_text", [False, True])
def test_tag_lowers_and_never_raises(tmp_path: Path, as_text: bool) -> None:
    given = {
        "memory": "2G",
        "cpus": 64,
        "buildArch": {"build_disk": "1G", "pids": 100},
        "createrepo": {"cpus": 1},
    }
    tag = json.dumps(given) if as_text else given
    found = limits(tmp_path, tag=tag, limits={"memory": 4 * GIB, "cpus": 2.5})
    assert (found.memory, found.cpus, found.build_disk, found.pids) == (2 * GIB, 2.5, GIB, 100)
    assert found.ncpus == 3
    assert found.origins["memory"] == "adjutant.limits of tag dist-build"
    assert found.origins["cpus"] == "limits of the builder"
    assert limits(tmp_path, "createrepo", tag=tag).cpus == 1


@pytest.mark.parametrize("tag", [{"memory": "none"}, {"memory": "16G"}, {"pids": 99999}])
def test_tag_cannot_take_a_limit_away(tmp_path: Path, tag: dict[str, Any]) -> None:
    found = limits(tmp_path, tag=tag, limits={"memory": GIB})
    assert (found.memory, found.pids) == (GIB, 32768)


def test_builder_may_lift_the_limit_of_processes(tmp_path: Path) -> None:
    assert limits(tmp_path, limits={"pids": None}).pids is None


@pytest.mark.parametrize(
    ("tag", "quoted"),
    [
        ("{broken", "{broken"),
        ([1], "[1]"),
        ({"memory": "much"}, "memory=much: expected a size"),
        ({"createrepo": {"disk": "1G"}}, "not of 'disk'"),
        ({"buildArch": "1G"}, "buildArch is not a JSON object"),
        ({"BuildArch": {"memory": "1G"}}, "not of 'BuildArch'"),
    ],
)
def test_malformed_limits_are_quoted(tmp_path: Path, tag: object, quoted: str) -> None:
    with pytest.raises(BuildrootFailed, match=r"adjutant\.limits of tag dist-build") as caught:
        limits(tmp_path, tag=tag)
    assert quoted in str(caught.value)


def test_rows_say_what_and_who(tmp_path: Path) -> None:
    found = limits(tmp_path, tag={"memory": "1.5G"}, limits={"cpus": 0.5})
    assert dict(found.rows()) == {
        "limit memory": "1.5 GiB (adjutant.limits of tag dist-build)",
        "limit cpus": "0.5 (limits of the builder)",
        "limit pids": "32768",
        "limit build_disk": "none",
        "limit build_inodes": "none",
    }
    assert found.hint("memory") == "raise memory in adjutant.limits of tag dist-build"


def test_limits_of_processes_are_the_daemon_s(tmp_path: Path) -> None:
    given = {"RLIMIT_OFILE": "10240", "RLIMIT_CORE": "-1 -1", "RLIMIT_STACK": "8192 16384"}
    found = limits(tmp_path, rlimits=given)
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert found.rlimits == {"nofile": (10240, own), "core": (-1, -1), "stack": (8192, 16384)}
    assert dict(found.rows())["RLIMIT_STACK"] == "8192 16384"


def test_a_tag_lowers_what_is_for_one_method(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "limits": {"memory": 8 * GIB, "buildArch.memory": 4 * GIB, "buildArch.cpus": 2.0}
    }
    found = limits(tmp_path, tag={"memory": "6G", "buildArch": {"cpus": 1}}, **options)
    assert (found.memory, found.cpus) == (4 * GIB, 1)
    assert dict(found.rows())["limit memory"] == "4 GiB (buildArch.memory in limits of the builder)"
    assert found.hint("cpus") == "raise cpus in adjutant.limits of tag dist-build"
    found = limits(tmp_path, "rebuildSRPM", tag={"memory": "6G"}, **options)
    assert (found.memory, found.cpus) == (6 * GIB, None)


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1 bytes"), (1536, "1.5 KiB"), (GIB, "1 GiB"), (3 << 50, "3072 TiB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert size_text(size) == text
