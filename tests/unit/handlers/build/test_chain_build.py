"""The chainbuild handler makes the subtasks that kojid makes, in its order, each of them once."""

from typing import Any

import koji
import pytest

from koji_adjutant.handlers.build.chain_build import ChainBuildTask
from koji_adjutant.hub.outage import may_be_repeated
from tests.unit.handlers.build.test_build_ways import Row, hub, kw, waited
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession

TASK = 7
TARGET: Row = ("getBuildTarget", ["dist"], {"build_tag_name": "dist-build"})
A, B, C = (f"git+https://scm.example.com/{name}#main" for name in "abc")
OPTS = {"fail_fast": True}


def build(src: str, label: str, number: int, opts: Any = OPTS) -> Row:
    words = kw(method="build", arglist=[src, "dist", opts], label=f"build {label}", parent=TASK)
    return ("host.subtask", [words], number)


def wait_for(level: int, builds: list[str], number: int) -> Row:
    words = kw(method="waitrepo", arglist=["dist-build", None, builds], label=f"wait {level}", parent=TASK)
    return ("host.subtask", [words], number)


def made(number: int, *nvrs: str) -> Row:
    return ("listBuilds", [kw(taskID=number)], [{"nvr": nvr} for nvr in nvrs])


def run(make_handler: MakeHandler, session: ReplaySession, *params: Any) -> None:
    assert make_handler(ChainBuildTask, TASK, list(params), session).run() is None
    assert session.finished()


def test_each_level_waits_for_a_repo_with_the_one_before(make_handler: MakeHandler) -> None:
    session = hub(
        TARGET,
        build(A, "0,0", 10),
        *waited({10: None}),
        made(10, "a-1-1", "a-0-1"),
        wait_for(1, ["a-1-1"], 11),
        *waited({11: None}),
        build(B, "1,0", 12),
        build(C, "1,2", 13),
        *waited({12: None, 13: None}),
        made(12, "b-1-1"),
        made(13),
        wait_for(2, ["given-2-1", "b-1-1"], 14),
        *waited({14: None}),
        build(A, "2,0", 15),
        *waited({15: None}),
        made(15, "a-2-1"),
    )
    run(make_handler, session, [[A], [B, "given-2-1", C], [A]], "dist", OPTS)


def test_a_level_of_builds_only(make_handler: MakeHandler) -> None:
    """Nothing is waited for at the end: no level follows."""
    session = hub(
        TARGET,
        wait_for(1, ["x-1-1", "y-1-1"], 10),
        *waited({10: None}),
        build(A, "1,0", 11, None),
        *waited({11: None}),
        made(11, "a-1-1"),
    )
    run(make_handler, session, [["x-1-1", "y-1-1"], [A]], "dist")


def test_a_lost_answer_makes_no_second_subtask(make_handler: MakeHandler) -> None:
    """The hub knows a subtask by its label: each call may be made again, and no two are the same."""
    asked: list[dict[str, Any]] = []

    class Hub(ReplaySession):
        def called(self, name: str, args: list[Any]) -> Any:
            if name == "host.subtask":
                asked.append(args[0])
            return super().called(name, args)

    first = [build(A, "0,0", 10), build(A, "0,1", 11), *waited({10: None, 11: None})]
    built = [made(10, "a-1-1"), made(11), wait_for(1, ["a-1-1"], 12), *waited({12: None})]
    calls = hub(TARGET, *first, *built).expected
    run(make_handler, Hub(calls), [[A, A], []], "dist", OPTS)
    assert all(may_be_repeated("host.subtask", [], words) for words in asked)
    assert [words["label"] for words in asked] == ["build 0,0", "build 0,1", "wait 1"]


def test_a_build_that_fails_ends_its_level(make_handler: MakeHandler) -> None:
    session = hub(TARGET, build(A, "0,0", 10), build(B, "0,1", 11))
    session.expected += [
        {"call": "host.taskSetWait", "args": [TASK, [10, 11]]},
        {"call": "host.taskWait", "args": [TASK], "result": [[10], [11]]},
        {"call": "getTaskResult", "args": [10], "fault": [1005, "error building package"]},
        {"call": "cancelTaskChildren", "args": [TASK]},
    ]
    with pytest.raises(koji.BuildError, match="error building package"):
        run(make_handler, session, [[A, B], [C]], "dist", OPTS)
    assert session.finished()


def test_scratch_builds_are_no_chain(make_handler: MakeHandler) -> None:
    with pytest.raises(koji.BuildError, match=r"^--scratch is not allowed with chain-builds$"):
        run(make_handler, hub(), [[A]], "dist", {"scratch": True})


def test_unknown_target(make_handler: MakeHandler) -> None:
    session = hub(("getBuildTarget", ["none"], None))
    with pytest.raises(koji.GenericError, match=r"^unknown build target: none$") as caught:
        run(make_handler, session, [[A]], "none", {})
    assert caught.value.faultCode == 1000
