"""Requests for repos: answered, queued, joined, worked into tasks and tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.repos.request_answers import make_repo

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


@pytest.mark.usefixtures("tag_id")
def test_a_finished_repo_answers_the_request(admin: Caller, builder: Caller) -> None:
    request = admin.repo.request("dist")["request"]
    repo_id = make_repo(builder, request["task_id"])
    check = admin.repo.checkRequest(request["id"])
    assert check["repo"] == admin.repoInfo(repo_id)
    assert (check["request"]["active"], check["request"]["repo_id"]) == (False, repo_id)
    answer = admin.repo.request("dist")
    assert answer == {"repo": admin.repoInfo(repo_id), "request": None, "duplicate": False}


@pytest.mark.usefixtures("tag_id")
def test_a_changed_tag_needs_a_new_repo_when_asked_for_the_last_event(
    hub: ContentHub, admin: Caller, builder: Caller
) -> None:
    old = make_repo(builder, admin.repo.request("dist")["request"]["task_id"])
    hub.listed("dist", "hello")
    assert admin.repo.request("dist")["repo"]["id"] == old
    request = admin.repo.request("dist", min_event="last")["request"]
    assert request["min_event"] == admin.tagLastChangeEvent("dist")
    new = make_repo(builder, request["task_id"])
    assert admin.repo.get("dist", min_event=request["min_event"])["id"] == new


@pytest.mark.usefixtures("tag_id")
def test_a_change_is_old_enough_after_the_lag(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    old = make_repo(builder, admin.repo.request("dist")["request"]["task_id"])
    hub.listed("dist", "hello")
    hub.clock.now += 3600 + 600
    hub.tag("other")
    assert admin.repo.request("dist")["repo"] is None
    admin.editTag2("dist", extra={"repo.lag": 3600 * 3})
    assert admin.repo.request("dist")["repo"]["id"] == old


@pytest.mark.usefixtures("tag_id")
def test_an_exact_event(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    event = admin.getLastEvent()["id"]
    hub.listed("dist", "hello")
    request = admin.repo.request("dist", at_event=event)["request"]
    arguments = koji.decode_args(*admin.getTaskInfo(request["task_id"], request=True)["request"])
    assert arguments[1] == {"opts": {}, "event": event}
    repo_id = make_repo(builder, request["task_id"], event=event)
    assert admin.repo.checkRequest(request["id"])["repo"]["id"] == repo_id
    assert admin.repo.get("dist", at_event=event)["id"] == repo_id
    assert admin.repo.get("dist", at_event=event + 1) is None


@pytest.mark.usefixtures("tag_id")
def test_options_must_match(admin: Caller, builder: Caller) -> None:
    usual = make_repo(builder, admin.repo.request("dist")["request"]["task_id"])
    request = admin.repo.request("dist", opts={"src": True})["request"]
    unusual = make_repo(builder, request["task_id"], opts={"src": True})
    assert admin.repo.get("dist")["id"] == usual
    assert admin.repo.get("dist", opts={"src": True})["id"] == unusual
    assert admin.repo.get("dist", opts={"src": False, "debuginfo": None})["id"] == usual
    with pytest.raises(koji.ParameterError, match="Invalid repo option: colour"):
        admin.repo.get("dist", opts={"colour": True})
    with pytest.raises(koji.ParameterError, match="must be a dictionary"):
        admin.repo.request("dist", opts=["src"])
    with pytest.raises(koji.GenericError, match="Maven"):
        admin.repo.request("dist", opts={"maven": True})


@pytest.mark.usefixtures("tag_id")
def test_a_repo_of_other_options_does_not_answer(admin: Caller, builder: Caller) -> None:
    request = admin.repo.request("dist")["request"]
    make_repo(builder, request["task_id"], opts={"src": True})
    check = admin.repo.checkRequest(request["id"])
    assert check["repo"] is None
    assert check["request"]["tries"] == 2
    assert check["task"]["id"] > request["task_id"]


@pytest.mark.usefixtures("tag_id")
def test_requests_that_make_no_sense(hub: ContentHub, admin: Caller) -> None:
    with pytest.raises(koji.ParameterError, match="conflict"):
        admin.repo.request("dist", min_event=1, at_event=1)
    for event in ({"min_event": 10**6}, {"at_event": 10**6}):
        with pytest.raises(koji.ParameterError, match="Invalid event"):
            admin.repo.request("dist", **event)
    with pytest.raises(koji.GenericError, match="No such tagInfo"):
        admin.repo.request("nothing")
    with pytest.raises(koji.GenericError, match="No such request"):
        admin.repo.checkRequest(99)
    with pytest.raises(koji.ActionNotAllowed):
        hub.anonymous.repo.request("dist")
    with pytest.raises(koji.ActionNotAllowed, match="high-priority"):
        hub.user("someone").repo.request("dist", priority=-1)
    assert admin.repo.queryQueue() == []


@pytest.mark.usefixtures("tag_id")
def test_force_asks_although_there_is_one(admin: Caller, builder: Caller) -> None:
    make_repo(builder, admin.repo.request("dist")["request"]["task_id"])
    assert admin.repo.request("dist", force=True)["request"]["active"] is True


@pytest.mark.usefixtures("tag_id")
def test_new_repo_makes_a_task_at_once(hub: ContentHub, admin: Caller) -> None:
    event = admin.getLastEvent()["id"]
    task = admin.getTaskInfo(admin.newRepo("dist", event=event, src=True), request=True)
    assert (task["method"], task["priority"]) == ("newRepo", 15)
    assert koji.decode_args(*task["request"]) == (("dist",), {"event": event, "src": True})
    with pytest.raises(koji.ActionNotAllowed):
        hub.user("someone").newRepo("dist")
    with pytest.raises(koji.GenericError, match="No such tagInfo"):
        admin.newRepo("nothing")
