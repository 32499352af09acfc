"""What a build works out: options, destination, policy data, the record of the build, results."""

from typing import Any

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.build import build_plan
from koji_adjutant.handlers.source_header import SourceHeader

TARGET = {
    "name": "dist",
    "build_tag": 2,
    "build_tag_name": "dist-build",
    "dest_tag": 1,
    "dest_tag_name": "dist",
}
HEADER = SourceHeader(name="p", version="1", release="2", epoch=3)


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        ({"arch_override": "x86_64"}, "arch_override is only allowed for scratch builds"),
        ({"custom_user_metadata": ["a"]}, "must be serializable to a JSON object"),
        ({"custom_user_metadata": {"a": b"b"}}, "custom_user_metadata is not JSON serializable"),
    ],
)
def test_options_that_cannot_be_kept(opts: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildFailed, match=message):
        build_plan.check_arch_override(opts)
        build_plan.check_metadata(opts)


def test_good_options() -> None:
    build_plan.check_arch_override({"arch_override": "x86_64", "scratch": True})
    build_plan.check_metadata({"custom_user_metadata": {"a": 1}})


@pytest.mark.parametrize(
    ("repo", "message"),
    [(None, "No such repo: 9"), ({"id": 9, "state": 3}, r"Bad repo: 9 \(DELETED\)")],
)
def test_unusable_repo(repo: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(BuildFailed, match=message):
        build_plan.check_repo(repo, 9)


@pytest.mark.parametrize("state", [1, 2])
def test_usable_repo(state: int) -> None:
    repo = {"id": 9, "state": state}
    assert build_plan.check_repo(repo, 9) is repo


def test_repo_of_another_tag() -> None:
    repo = {"id": 9, "tag_id": 5, "tag_name": "other-build"}
    with pytest.raises(BuildFailed, match="Repo/Target mismatch: other-build/dist-build"):
        build_plan.destination_of_target(TARGET, repo, {})


def test_policy_data_of_skip_tag_names_no_tag() -> None:
    destination = build_plan.destination_of_target(TARGET, None, {"skip_tag": True})
    data = build_plan.policy_data(
        task_id=7, owner=1, src="a.src.rpm", from_scm=False, destination=destination, opts={"scratch": True}
    )
    assert data == {
        "user_id": 1,
        "source": "a.src.rpm",
        "task_id": 7,
        "build_tag": 2,
        "skip_tag": True,
        "scratch": True,
        "draft": None,
        "from_scm": False,
        "repo_id": None,
        "target": "dist",
    }


def test_build_data_of_srpm_as_it_is() -> None:
    data = build_plan.build_data(7, HEADER, None, {})
    assert data == {"name": "p", "version": "1", "release": "2", "epoch": 3, "task_id": 7}


def test_build_data_with_everything() -> None:
    source = {"source": "git+https://scm/p#1234", "url": "git+https://scm/p#main"}
    opts = {"custom_user_metadata": {"a": 1}, "draft": True}
    data = build_plan.build_data(7, HEADER, source, opts)
    assert data["source"] == "git+https://scm/p#1234"
    assert data["extra"] == {
        "source": {"original_url": "git+https://scm/p#main"},
        "custom_user_metadata": {"a": 1},
    }
    assert data["draft"] is True


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "package p not in list for tag dist"),
        ({"blocked": True}, "package p is blocked for tag dist"),
    ],
)
def test_package_that_the_tag_does_not_take(config: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(BuildFailed, match=message):
        build_plan.check_package(config, "p", "dist")


def result(name: str, broot: int, *, srpm: bool = False) -> dict[str, Any]:
    return {
        "rpms": [f"tasks/1/1/{name}.rpm"],
        "srpms": ["tasks/1/1/p.src.rpm"] if srpm else [],
        "logs": [f"tasks/1/1/{name}.log"],
        "brootid": broot,
    }


def test_results_are_merged() -> None:
    results = {10: result("a", 100, srpm=True), 11: result("b", 101)}
    files = build_plan.merge_results(7, {"x86_64": 10, "aarch64": 11}, results)
    assert files.srpm == "tasks/1/1/p.src.rpm"
    assert files.rpms == ["tasks/1/1/a.rpm", "tasks/1/1/b.rpm"]
    assert files.buildroots == {
        "tasks/1/1/a.rpm": 100,
        "tasks/1/1/p.src.rpm": 100,
        "tasks/1/1/b.rpm": 101,
    }
    assert files.logs == {"x86_64": ["tasks/1/1/a.log"], "aarch64": ["tasks/1/1/b.log"]}


@pytest.mark.parametrize(
    ("srpms", "message"),
    [((True, True), "multiple builds returned a srpm"), ((False, False), "could not find a built srpm")],
)
def test_not_one_source_package(srpms: tuple[bool, bool], message: str) -> None:
    results = {10: result("a", 100, srpm=srpms[0]), 11: result("b", 101, srpm=srpms[1])}
    with pytest.raises(BuildFailed, match=message):
        build_plan.merge_results(7, {"x86_64": 10, "aarch64": 11}, results)
