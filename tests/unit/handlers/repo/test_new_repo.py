"""The newRepo handler calls the hub as kojid was recorded to call it."""

import dataclasses
from pathlib import Path
from typing import Any

import koji
import koji.plugin
import pytest
from koji.tasks import RefuseTask

from koji_adjutant.config import Config
from koji_adjutant.handlers.repo.new_repo import NewRepoTask
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession, recorded
from tests.unit.task_adapters.repos import lay_out_repo

TAG = "dist-md-build"
pytestmark = pytest.mark.usefixtures("known_tags")


@pytest.mark.parametrize(("name", "task", "repo"), [("new_repo", 20, 4), ("new_repo_first", 1, 1)])
def test_new_repo_as_recorded(
    make_handler: MakeHandler, topdir: Path, name: str, task: int, repo: int
) -> None:
    calls = recorded(name)
    lay_out_repo(topdir, TAG, repo, [])
    session = ReplaySession(calls)
    event = next(call["result"][1] for call in calls if call["call"] == "host.repoInit")
    assert make_handler(NewRepoTask, task, [TAG], session).run() == (repo, event)
    assert session.finished()


def test_new_repo_without_update_looks_for_no_old_one(
    make_handler: MakeHandler, config: Config, topdir: Path
) -> None:
    calls = [
        call for call in recorded("new_repo_first") if call["call"] not in {"getRepo", "getFullInheritance"}
    ]
    lay_out_repo(topdir, TAG, 1, [])
    session = ReplaySession(calls)
    changed = dataclasses.replace(config, createrepo_update=False)
    make_handler(NewRepoTask, 1, [TAG], session, config=changed).run()
    assert session.finished()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ([None, True], {"opts": {"src": True}}),
        ([17, None, False, True], {"opts": {"debuginfo": False, "separate_src": True}, "event": 17}),
        ([None, None, None, None, {"src": True}], {"opts": {"src": True}}),
    ],
)
def test_options_of_old_hubs(
    make_handler: MakeHandler, topdir: Path, given: list[Any], sent: dict[str, Any]
) -> None:
    calls = recorded("new_repo")
    calls[0]["args"][1]["event"] = given[0]
    calls[1]["args"][1].update(sent)
    lay_out_repo(topdir, TAG, 4, [])
    session = ReplaySession(calls)
    make_handler(NewRepoTask, 20, [TAG, *given], session).run()
    assert session.finished()


def test_old_and_new_options_do_not_mix(make_handler: MakeHandler, topdir: Path) -> None:
    session = ReplaySession(recorded("new_repo")[:1])
    with pytest.raises(koji.ParameterError, match="cannot be combined with legacy options"):
        make_handler(NewRepoTask, 20, [TAG, None, True, None, None, {}], session).run()
    assert session.finished()


def test_without_topdir_the_task_is_refused(make_handler: MakeHandler, config: Config) -> None:
    session = ReplaySession(recorded("new_repo")[:1])
    with pytest.raises(RefuseTask, match=f"No access to repos dir {config.topdir}/repos"):
        make_handler(NewRepoTask, 20, [TAG], session).run()
    assert session.finished()


def test_repo_that_the_hub_did_not_lay_out(make_handler: MakeHandler, topdir: Path) -> None:
    session = ReplaySession(recorded("new_repo")[:2])
    with pytest.raises(koji.GenericError, match=f"Repo directory missing: {topdir}/repos/{TAG}/4"):
        make_handler(NewRepoTask, 20, [TAG], session).run()
    assert session.finished()
