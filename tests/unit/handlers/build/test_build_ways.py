"""The ways in which a build differs from the plain one: by its repo, target, source and options."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.config import Config
from koji_adjutant.handlers.build.build import BuildTask
from tests.unit.handlers.conftest import MakeHandler, MakeSrpm
from tests.unit.handlers.replay import ReplaySession

TASK = 7
REPO = {"id": 9, "state": koji.REPO_READY, "tag_id": 2, "tag_name": "dist-build", "create_event": 50}
TARGET = {
    "name": "dist",
    "build_tag": 2,
    "build_tag_name": "dist-build",
    "dest_tag": 1,
    "dest_tag_name": "dist",
}
CONFIG = {"id": 2, "name": "dist-build", "arches": "x86_64 aarch64", "extra": {"rebuild_srpm": False}}
SRPM = "cli-build/1/p-1.0-1.md1.src.rpm"
URL = "git+https://scm.example.com/p#main"
Row = tuple[str, list[Any], Any]


def kw(**words: Any) -> dict[str, Any]:
    return {**words, "__starstar": True}


def hub(*rows: Row) -> ReplaySession:
    return ReplaySession([{"call": name, "args": args, "result": result} for name, args, result in rows])


def policy(name: str, **changes: Any) -> Row:
    data = {
        "user_id": 4,
        "source": SRPM,
        "task_id": TASK,
        "build_tag": 2,
        "skip_tag": False,
        "scratch": None,
        "draft": None,
        "from_scm": False,
        "repo_id": 9,
        "target": "dist",
        "tag": 1,
        **changes,
    }
    return ("host.assertPolicy", [name, {key: value for key, value in data.items() if value != "-"}], None)


ASKED: Row = ("repoInfo", [9], REPO)
OWNER: Row = ("getTaskInfo", [TASK], {"owner": 4})
TO_TARGET: Row = ("getBuildTarget", ["dist", kw(event=50)], TARGET)
SETTINGS: Row = ("getBuildConfig", [2, kw(event=50)], CONFIG)


def package(dest: int, config: Any) -> Row:
    return ("getPackageConfig", [dest, "p", kw(event=50)], config)


def subtask(method: str, arguments: list[Any], label: str, arch: str, number: int) -> Row:
    words = kw(method=method, arglist=arguments, label=label, parent=TASK, arch=arch)
    return ("host.subtask", [words], number)


def waited(results: dict[int, Any]) -> list[Row]:
    numbers = list(results)
    return [
        ("host.taskSetWait", [TASK, numbers], None),
        ("host.taskWait", [TASK], [numbers, []]),
        ("host.taskWaitResults", [TASK, numbers, kw(canfail=None)], [[n, results[n]] for n in numbers]),
    ]


def built(arch: str, number: int, *, srpm: bool) -> dict[str, Any]:
    path = f"tasks/{number}/{number}"
    return {
        "rpms": [f"{path}/p.{arch}.rpm"],
        "srpms": [f"{path}/p.src.rpm"] if srpm else [],
        "logs": [f"{path}/build.log"],
        "brootid": number + 100,
    }


def both_arches() -> list[Row]:
    """The first architecture's source package is the build's."""
    return [
        subtask("buildArch", [SRPM, 2, "x86_64", True, {"repo_id": 9}], "x86_64", "x86_64", 21),
        subtask("buildArch", [SRPM, 2, "aarch64", False, {"repo_id": 9}], "aarch64", "aarch64", 22),
        *waited({21: built("x86_64", 21, srpm=True), 22: built("aarch64", 22, srpm=False)}),
    ]


RPMS = ["tasks/21/21/p.x86_64.rpm", "tasks/22/22/p.aarch64.rpm"]
LOGS = {"x86_64": ["tasks/21/21/build.log"], "aarch64": ["tasks/22/22/build.log"]}
BUILDROOTS = {RPMS[0]: 121, "tasks/21/21/p.src.rpm": 121, RPMS[1]: 122}
PLAIN = {"name": "p", "version": "1.0", "release": "1.md1", "epoch": None, "task_id": TASK}


@pytest.fixture
def source(make_srpm: MakeSrpm, files: Path) -> str:
    make_srpm(files / "work" / SRPM, "p")
    return SRPM


def run(make_handler: MakeHandler, session: ReplaySession, *params: Any, **changes: Any) -> None:
    assert make_handler(BuildTask, TASK, list(params), session, **changes).run() is None
    assert session.finished()


FailingBuild = Callable[[ReplaySession, dict[str, Any], bool], None]


@pytest.fixture
def failing_build(make_handler: MakeHandler, source: str, config: Config) -> FailingBuild:
    """Builds on a host where build_arch_can_fail is so, and expects BuildError."""

    def build(session: ReplaySession, opts: dict[str, Any], can_fail: bool) -> None:
        changed = dataclasses.replace(config, build_arch_can_fail=can_fail)
        with pytest.raises(koji.BuildError, match="error building package"):
            run(make_handler, session, source, "dist", opts, config=changed)
        assert session.finished()

    return build


def completed(data: dict[str, Any]) -> list[Row]:
    call = [TASK, 77, "tasks/21/21/p.src.rpm", RPMS, BUILDROOTS, kw(logs=LOGS)]
    return [("host.initBuild", [data], 77), *both_arches(), ("host.completeBuild", call, None)]


def test_repo_of_ones_own_choice(make_handler: MakeHandler, source: str) -> None:
    """The SRPM is taken as it is, a draft with metadata, and not tagged."""
    opts = {"repo_id": 9, "skip_tag": True, "draft": True, "custom_user_metadata": {"a": 1}}
    words: dict[str, Any] = {"skip_tag": True, "draft": True, "tag": "-"}
    policies = [policy(name, **words) for name in ("build_from_srpm", "build_from_repo_id", "build_rpm")]
    data = {**PLAIN, "extra": {"custom_user_metadata": {"a": 1}}, "draft": True}
    before = [ASKED, OWNER, TO_TARGET, *policies, SETTINGS, package(1, None), SETTINGS]
    run(
        make_handler,
        hub(*before, drafts("BUILDING"), drafts("COMPLETE"), *completed(data)),
        source,
        "dist",
        opts,
    )


def drafts(state: str, *builds: int) -> Row:
    """The builds of this task in that state, of an earlier run of it."""
    rows = [{"build_id": build, "package_name": "p", "version": "1.0"} for build in builds]
    return ("listBuilds", [kw(taskID=TASK, state=koji.BUILD_STATES[state])], rows)


@pytest.mark.parametrize("is_complete", [False, True])
def test_the_draft_of_an_earlier_run(make_handler: MakeHandler, source: str, is_complete: bool) -> None:
    """A second initBuild would make another one, since drafts may have the same name."""
    opts = {"repo_id": 9, "skip_tag": True, "draft": True}
    words: dict[str, Any] = {"skip_tag": True, "draft": True, "tag": "-"}
    policies = [policy(name, **words) for name in ("build_from_srpm", "build_from_repo_id", "build_rpm")]
    before = [ASKED, OWNER, TO_TARGET, *policies, SETTINGS, package(1, None), SETTINGS]
    begun = [drafts("BUILDING", 77), *completed(PLAIN)[1:]]
    complete = [drafts("BUILDING"), drafts("COMPLETE", 77)]
    run(make_handler, hub(*before, *(complete if is_complete else begun)), source, "dist", opts)


def test_scratch_build_of_a_tag_and_arches(make_handler: MakeHandler, source: str) -> None:
    """With a repo, the target may be just a tag."""
    opts = {"repo_id": 9, "scratch": True, "arch_override": "aarch64"}
    words: dict[str, Any] = {"scratch": True, "target": "-", "tag": 8}
    arch = [
        subtask("buildArch", [SRPM, 2, "aarch64", True, {"repo_id": 9}], "aarch64", "aarch64", 21),
        *waited({21: built("aarch64", 21, srpm=True)}),
    ]
    call = [TASK, "tasks/21/21/p.src.rpm", ["tasks/21/21/p.aarch64.rpm"]]
    session = hub(
        ASKED,
        OWNER,
        ("getBuildTarget", ["other", kw(event=50)], None),
        ("getTag", ["other", kw(event=50)], {"id": 8, "name": "other"}),
        policy("build_from_repo_id", **words),
        policy("build_rpm", **words),
        SETTINGS,
        package(8, {"blocked": True, "extra_arches": None}),
        SETTINGS,
        *arch,
        ("host.moveBuildToScratch", [*call, kw(logs={"aarch64": ["tasks/21/21/build.log"]})], None),
    )
    run(make_handler, session, source, "other", opts)


def test_build_without_target_is_not_tagged(make_handler: MakeHandler, source: str) -> None:
    words: dict[str, Any] = {"skip_tag": True, "target": "-", "tag": "-"}
    policies = [policy(name, **words) for name in ("build_from_srpm", "build_from_repo_id", "build_rpm")]
    session = hub(ASKED, OWNER, *policies, SETTINGS, package(2, None), SETTINGS, *completed(PLAIN))
    run(make_handler, session, source, None, {"repo_id": 9})


def test_source_from_scm(make_handler: MakeHandler, source: str, config: Config) -> None:
    """No build_from_srpm policy; the build's record names the commit."""
    words: dict[str, Any] = {"source": URL, "from_scm": True}
    resolved = {"srpm": SRPM, "source": {"source": f"{URL}-resolved", "url": URL}}
    data = {**PLAIN, "source": f"{URL}-resolved", "extra": {"source": {"original_url": URL}}}
    session = hub(
        ASKED,
        OWNER,
        TO_TARGET,
        policy("build_from_repo_id", **words),
        policy("build_rpm", **words),
        SETTINGS,
        subtask("buildSRPMFromSCM", [URL, 2, {"repo_id": 9, "scratch": None}], "srpm", "noarch", 20),
        *waited({20: resolved}),
        package(1, {"blocked": False, "extra_arches": None}),
        SETTINGS,
        *completed(data),
        subtask("tagBuild", [1, 77, False, None, True], "tag", "noarch", 30),
        *waited({30: None}),
    )
    run(make_handler, session, URL, "dist", {"repo_id": 9})


def from_scm(repo: Mapping[str, Any], *, event: int) -> list[Row]:
    """What a build of a commit asks once it has a repo, up to its end."""
    resolved = {"srpm": SRPM, "source": {"source": f"{URL}-resolved", "url": URL}}
    data = {**PLAIN, "source": f"{URL}-resolved", "extra": {"source": {"original_url": URL}}}
    settings: Row = ("getBuildConfig", [2, kw(event=event)], CONFIG)
    return [
        ("getLastEvent", [], {"id": event}),
        settings,
        subtask("buildSRPMFromSCM", [URL, 2, {"repo_id": repo["id"], "scratch": None}], "srpm", "noarch", 20),
        *waited({20: resolved}),
        ("getPackageConfig", [1, "p", kw(event=event)], {"blocked": False, "extra_arches": None}),
        settings,
        *completed(data),
        subtask("tagBuild", [1, 77, False, None, True], "tag", "noarch", 30),
        *waited({30: None}),
    ]


def until_repo(**changes: Any) -> list[Row]:
    words = {"source": URL, "from_scm": True, "repo_id": None, **changes}
    target: Row = ("getBuildTarget", ["dist", kw(event=None)], TARGET)
    tag: Row = ("getTag", [2, kw(strict=True)], {"id": 2, "name": "dist-build"})
    return [OWNER, target, policy("build_rpm", **words), tag]


def repo_subtask(arguments: list[Any]) -> list[Row]:
    words = kw(method="waitrepo", arglist=arguments, parent=TASK, label="waitrepo")
    return [("host.subtask", [words], 19), *waited({19: REPO})]


@pytest.mark.usefixtures("source")
def test_build_waits_for_a_repo_of_its_moment(make_handler: MakeHandler) -> None:
    request = {"repo": None, "request": {"id": 3, "min_event": 60}}
    session = hub(
        *until_repo(),
        ("tagLastChangeEvent", [2], 60),
        ("repo.request", [2, kw(min_event=60, at_event=None, opts=None)], request),
        *repo_subtask(["dist-build", None, [], 60]),
        *from_scm(REPO, event=62),
    )
    run(make_handler, session, URL, "dist", {"wait_repo": True})


@pytest.mark.usefixtures("source")
def test_build_waits_for_other_builds(make_handler: MakeHandler) -> None:
    """They are not tagged yet, so that no repo is asked for."""
    tagged = kw(event=None, package="a", inherit=True)
    session = hub(
        *until_repo(),
        ("listTagged", [2, tagged], [{"version": "0", "release": "1"}]),
        *repo_subtask(["dist-build", None, ["a-1-1"], None]),
        *from_scm(REPO, event=62),
    )
    run(make_handler, session, URL, "dist", {"wait_builds": ["a-1-1"]})


@pytest.mark.usefixtures("source")
def test_build_finds_a_repo_that_has_the_other_builds(make_handler: MakeHandler) -> None:
    tagged = kw(event=None, package="a", inherit=True)
    at_repo = kw(event=50, package="a", inherit=True)
    rows = [{"version": "1", "release": "1"}]
    session = hub(
        *until_repo(),
        ("listTagged", [2, tagged], rows),
        ("repo.request", [2, kw(min_event=None, at_event=None, opts=None)], {"repo": REPO, "request": None}),
        ("listTagged", [2, at_repo], rows),
        *from_scm(REPO, event=62),
    )
    run(make_handler, session, URL, "dist", {"wait_builds": ["a-1-1"]})


@pytest.mark.parametrize(
    ("opts", "said"),
    [
        ({"arch_override": "x86_64"}, "arch_override is only allowed for scratch builds"),
        ({"custom_user_metadata": ["a"]}, "custom_user_metadata must be serializable to a JSON object"),
        ({"custom_user_metadata": {"a": {1, 2}}}, "custom_user_metadata is not JSON serializable"),
        ({"repo_id": 9, "custom_user_metadata": "a"}, "No such repo: 9"),
    ],
)
def test_options_that_cannot_be_kept(make_handler: MakeHandler, opts: dict[str, Any], said: str) -> None:
    """A repo is looked at before the metadata, as by kojid."""
    session = hub(*([("repoInfo", [9], None)] if "repo_id" in opts else []))
    with pytest.raises(koji.BuildError, match=f"^{said}"):
        run(make_handler, session, URL, "dist", opts)
    assert session.finished()


def failing(*, canceled: bool) -> ReplaySession:
    """Of two architectures the second is still building when the first has failed."""
    fault = [1005, "error building package (arch x86_64)"]
    ways: list[dict[str, Any]]
    if canceled:
        ways = [
            {"call": "host.taskWait", "args": [TASK], "result": [[21], [22]]},
            {"call": "getTaskResult", "args": [21], "fault": fault},
            {"call": "cancelTaskChildren", "args": [TASK]},
        ]
    else:
        ways = [
            {"call": "host.taskWait", "args": [TASK], "result": [[21, 22], []]},
            {"call": "host.taskWaitResults", "args": [TASK, [21, 22], kw(canfail=None)], "fault": fault},
        ]
    policies = [policy(name) for name in ("build_from_srpm", "build_from_repo_id", "build_rpm")]
    listed = package(1, {"blocked": False, "extra_arches": None})
    before = [ASKED, OWNER, TO_TARGET, *policies, SETTINGS, listed, SETTINGS, ("host.initBuild", [PLAIN], 77)]
    session = hub(*before, *both_arches()[:3])
    session.expected += [*ways, {"call": "host.failBuild", "args": [TASK, 77]}]
    return session


@pytest.mark.parametrize(
    ("can_fail", "opts", "canceled"),
    [(False, {}, True), (True, {}, False), (True, {"fail_fast": True}, True)],
)
def test_what_a_failed_arch_does_to_the_others(
    failing_build: FailingBuild, can_fail: bool, opts: dict[str, Any], canceled: bool
) -> None:
    failing_build(failing(canceled=canceled), {"repo_id": 9, **opts}, can_fail)


def test_unknown_target(make_handler: MakeHandler) -> None:
    session = hub(OWNER, ("getBuildTarget", ["none", kw(event=None)], None))
    with pytest.raises(koji.GenericError, match="unknown build target: none") as caught:
        run(make_handler, session, SRPM, "none")
    assert caught.value.faultCode == 1000


def test_neither_tag_nor_target(make_handler: MakeHandler) -> None:
    session = hub(
        ASKED, OWNER, ("getBuildTarget", ["x", kw(event=50)], None), ("getTag", ["x", kw(event=50)], None)
    )
    with pytest.raises(koji.GenericError, match="neither tag nor target: x"):
        run(make_handler, session, SRPM, "x", {"repo_id": 9})


@pytest.mark.parametrize("src", [None, ["a", "b"]])
def test_source_that_is_none(make_handler: MakeHandler, src: Any) -> None:
    with pytest.raises(koji.BuildError, match="Invalid source specification"):
        run(make_handler, hub(), src, "dist")


def test_scratch_build_asks_for_a_rebuild(make_handler: MakeHandler) -> None:
    """The tag says no, the user of a scratch build yes; then the task is freed for another host."""
    words: dict[str, Any] = {"scratch": True}
    asked = subtask("rebuildSRPM", [SRPM, 2, {"repo_id": 9, "scratch": True}], "srpm", "noarch", 20)
    policies = [policy(name, **words) for name in ("build_from_repo_id", "build_rpm")]
    session = hub(ASKED, OWNER, TO_TARGET, *policies, SETTINGS, SETTINGS, asked)
    session.expected.append({"call": "host.taskSetWait", "args": [TASK, [20]], "fault": [1004, "taken away"]})
    with pytest.raises(koji.ActionNotAllowed):
        run(make_handler, session, SRPM, "dist", {"repo_id": 9, "scratch": True, "rebuild_srpm": True})
    assert session.finished()
