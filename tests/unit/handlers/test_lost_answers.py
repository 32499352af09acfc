"""A call whose answer was lost is looked up on the hub, and made again only if it was not carried out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.buildroot.record import BuildrootRecord
from koji_adjutant.config import Config
from koji_adjutant.errors import TaskCanceled
from koji_adjutant.handlers.build.build import BuildTask
from koji_adjutant.handlers.build.tag_build import TagBuildTask
from koji_adjutant.handlers.repo.new_repo import NewRepoTask
from tests.unit.handlers.conftest import MakeHandler, MakeSrpm
from tests.unit.handlers.replay import ReplaySession, recorded
from tests.unit.task_adapters.repos import lay_out_repo

LOST = [koji.RetryError.faultCode, "unable to retry call"]
BUILDING, COMPLETE = koji.BUILD_STATES["BUILDING"], koji.BUILD_STATES["COMPLETE"]
Calls = list[dict[str, Any]]


def kw(**values: Any) -> dict[str, Any]:
    return {**values, "__starstar": True}


def call(name: str, *args: Any, result: Any = None) -> dict[str, Any]:
    return {"call": name, "args": list(args), "result": result}


def with_lost(calls: Calls, name: str, looks: Sequence[dict[str, Any]], *, again: bool) -> Calls:
    """The recorded calls, with the answer of one lost, what it is looked up with, and perhaps itself once more."""
    place = next(number for number, one in enumerate(calls) if one["call"] == name)
    lost = {**calls[place], "fault": LOST}
    return [*calls[:place], lost, *looks, *([calls[place]] if again else []), *calls[place + 1 :]]


@pytest.fixture
def hello(make_srpm: MakeSrpm, files: Path) -> None:
    for task in (28, 31):
        make_srpm(files / f"work/tasks/{task}/{task}/hello-md-1.0-1.md1.src.rpm", "hello-md")
    make_srpm(files / "work/tasks/36/36/failing-md-1.0-1.md1.src.rpm", "failing-md")


def run_build(make_handler: MakeHandler, name: str, task: int, calls: Calls, **opts: Any) -> None:
    source = next(one["args"][1]["source"] for one in recorded(name) if one["call"] == "host.assertPolicy")
    session = ReplaySession(calls)
    try:
        make_handler(BuildTask, task, [source, "dist-md", opts], session).run()
    finally:
        assert session.finished()


BEGUN = {"build_id": 1, "package_name": "hello-md", "version": "1.0"}


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize(
    ("rows", "again"),
    [([BEGUN], False), ([], True), ([{**BEGUN, "package_name": "other"}], True)],
)
def test_init_build(make_handler: MakeHandler, rows: list[Any], again: bool) -> None:
    look = call("listBuilds", kw(taskID=30, state=BUILDING), result=rows)
    run_build(make_handler, "build", 30, with_lost(recorded("build"), "host.initBuild", [look], again=again))


EXISTS = [koji.GenericError.faultCode, "Build already exists (id=1, state=COMPLETE): hello-md-1.0-1.md1"]


@pytest.mark.usefixtures("hello")
def test_a_build_that_an_earlier_run_has_completed_is_tagged(make_handler: MakeHandler) -> None:
    """The task was freed after that, when its tagBuild was under way."""
    calls = recorded("build")
    names = [one["call"] for one in calls]
    begin, complete = names.index("host.initBuild"), names.index("host.completeBuild")
    look = call("listBuilds", kw(taskID=30, state=COMPLETE), result=[BEGUN])
    run_build(
        make_handler,
        "build",
        30,
        [*calls[:begin], {**calls[begin], "fault": EXISTS}, look, *calls[complete + 1 :]],
    )


@pytest.mark.usefixtures("hello")
def test_a_build_that_another_task_has_completed_exists_already(make_handler: MakeHandler) -> None:
    calls = recorded("build")
    begin = [one["call"] for one in calls].index("host.initBuild")
    look = call("listBuilds", kw(taskID=30, state=COMPLETE), result=[])
    with pytest.raises(koji.GenericError, match="already exists"):
        run_build(make_handler, "build", 30, [*calls[:begin], {**calls[begin], "fault": EXISTS}, look])


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("is_done", [True, False])
def test_complete_build(make_handler: MakeHandler, is_done: bool) -> None:
    look = call("getBuild", 1, kw(strict=True), result={"state": COMPLETE if is_done else BUILDING})
    calls = with_lost(recorded("build"), "host.completeBuild", [look], again=not is_done)
    run_build(make_handler, "build", 30, calls)


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("is_done", [True, False])
def test_fail_build(make_handler: MakeHandler, is_done: bool) -> None:
    state = koji.BUILD_STATES["FAILED"] if is_done else BUILDING
    build = next(one["args"][1] for one in recorded("failing_build") if one["call"] == "host.failBuild")
    look = call("getBuild", build, kw(strict=True), result={"state": state})
    calls = with_lost(recorded("failing_build"), "host.failBuild", [look], again=not is_done)
    with pytest.raises(koji.BuildError, match="error building package"):
        run_build(make_handler, "failing_build", 34, calls)


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("is_done", [True, False])
def test_move_to_scratch(make_handler: MakeHandler, files: Path, is_done: bool) -> None:
    calls = recorded("scratch_build")
    moved = calls[-1]
    assert moved["call"] == "host.moveBuildToScratch"
    task, srpm, rpms, options = moved["args"]
    logs = options["logs"]
    directory = files / f"scratch/admin/task_{task}"
    there = [directory / Path(path).name for path in (srpm, *rpms)]
    there += [directory / "logs" / arch / Path(path).name for arch in logs for path in logs[arch]]
    for path in there if is_done else there[:-1]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    look = call("getUser", 1, kw(strict=True), result={"name": "admin"})
    calls = with_lost(calls, "host.moveBuildToScratch", [look], again=not is_done)
    run_build(make_handler, "scratch_build", 27, calls, scratch=True)


@pytest.mark.usefixtures("hello")
def test_subtasks_that_have_finished_are_named_once(make_handler: MakeHandler) -> None:
    """The hub names a finished subtask in one answer only; that one was lost, and the call repeated."""
    calls = [
        {**one, "result": [[], []]} if one["call"] == "host.taskWait" else one for one in recorded("build")
    ]
    run_build(make_handler, "build", 30, calls)


@pytest.mark.parametrize("is_done", [True, False])
def test_tag_build(make_handler: MakeHandler, is_done: bool) -> None:
    looks = [
        call("getTag", 1, kw(strict=True), result={"id": 1}),
        call("listTags", kw(build=1), result=[{"id": 1 if is_done else 7}]),
    ]
    session = ReplaySession(with_lost(recorded("tag_build"), "host.tagBuild", looks, again=not is_done))
    assert make_handler(TagBuildTask, 33, [1, 1, False, None, True], session).run() is None
    assert session.finished()


def test_nobody_is_told_twice_of_a_tag(make_handler: MakeHandler) -> None:
    session = ReplaySession(with_lost(recorded("tag_build"), "host.tagNotification", [], again=False))
    assert make_handler(TagBuildTask, 33, [1, 1, False, None, True], session).run() is None
    assert session.finished()


@pytest.mark.parametrize(
    ("found", "task", "again"), [({"id": 4}, 20, False), ({"id": 4}, 19, True), (None, None, True)]
)
def test_repo_init(
    make_handler: MakeHandler, config: Config, found: Any, task: int | None, again: bool
) -> None:
    calls = recorded("new_repo")
    (tag_id, *_), (repo, event) = next(
        (one["args"], one["result"]) for one in calls if one["call"] == "host.repoInit"
    )
    assert repo == 4
    looks = [call("getRepo", tag_id, kw(state=koji.REPO_INIT), result=found)]
    if found:
        row = {"id": repo, "create_event": event, "task_id": task}
        looks.append(call("repoInfo", repo, kw(strict=True), result=row))
    run_new_repo(make_handler, config, with_lost(calls, "host.repoInit", looks, again=again), (repo, event))


@pytest.mark.parametrize("is_done", [True, False])
def test_repo_done(make_handler: MakeHandler, config: Config, is_done: bool) -> None:
    calls = recorded("new_repo")
    repo, event = next(one["result"] for one in calls if one["call"] == "host.repoInit")
    state = koji.REPO_READY if is_done else koji.REPO_INIT
    look = call("repoInfo", repo, kw(strict=True), result={"state": state})
    run_new_repo(
        make_handler, config, with_lost(calls, "host.repoDone", [look], again=not is_done), (repo, event)
    )


def run_new_repo(make_handler: MakeHandler, config: Config, calls: Calls, result: tuple[int, int]) -> None:
    topdir = Path(config.topdir)
    (topdir / "repos").mkdir(parents=True)
    lay_out_repo(topdir, "dist-md-build", result[0], [])
    session = ReplaySession(calls)
    assert make_handler(NewRepoTask, 20, ["dist-md-build"], session).run() == result
    assert session.finished()


# The buildroot's record

NEW = call("host.newBuildRoot", 3, "x86_64", kw(task_id=9), result=12)
INIT = kw(taskID=9, state=koji.BR_STATES["INIT"])
ROW = {"id": 12, "repo_id": 3, "arch": "x86_64"}
EXPIRE = call("host.setBuildRootState", 12, "EXPIRED")


def has_packages(rpms: list[Any]) -> dict[str, Any]:
    return call("listRPMs", kw(componentBuildrootID=12, queryOpts={"limit": 1}), result=rpms)


def record(*calls: dict[str, Any]) -> tuple[BuildrootRecord, ReplaySession]:
    session = ReplaySession(list(calls))
    return BuildrootRecord(cast("Any", session), repo_id=3, arch="x86_64", task_id=9), session


LOST_NEW = {**NEW, "fault": LOST}


@pytest.mark.parametrize(
    "calls",
    [
        (LOST_NEW, call("listBuildroots", INIT, result=[{**ROW, "id": 11}, ROW]), has_packages([])),
        (LOST_NEW, call("listBuildroots", INIT, result=[]), NEW),
        (LOST_NEW, call("listBuildroots", INIT, result=[{**ROW, "repo_id": 2}]), NEW),
        # Of an earlier run of the task.
        (LOST_NEW, call("listBuildroots", INIT, result=[ROW]), has_packages([{"id": 1}]), NEW),
    ],
)
def test_new_buildroot(calls: tuple[dict[str, Any], ...]) -> None:
    made, session = record(*calls, EXPIRE)
    with made:
        assert made.id == 12
    assert session.finished()


@pytest.mark.parametrize("rpms", [[], [{"id": 1}]])
def test_the_list_of_a_buildroot(rpms: list[Any]) -> None:
    given = call("host.setBuildRootList", 12, [{"id": 1}])
    again = [] if rpms else [given]
    made, session = record(NEW, {**given, "fault": LOST}, has_packages(rpms), *again, EXPIRE)
    with made:
        made.set_list([{"id": 1}])
    assert session.finished()


def test_a_process_that_is_to_end_does_not_wait_for_the_hub(mocker: MockerFixture) -> None:
    made, session = record(NEW)
    once = mocker.Mock(side_effect=OSError("away"))
    session.__dict__["call_once"] = once
    with pytest.raises(SystemExit), made:
        raise SystemExit
    once.assert_called_once_with("host.setBuildRootState", 12, "EXPIRED")


def test_a_task_that_is_taken_away_while_its_record_is_expired(mocker: MockerFixture) -> None:
    made, _ = record(NEW)
    mocker.patch.object(made, "expire", side_effect=TaskCanceled("gone"))
    with pytest.raises(koji.BuildError, match="the reason"), made:
        raise koji.BuildError("the reason")
