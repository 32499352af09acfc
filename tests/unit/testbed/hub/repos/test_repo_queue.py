"""Requests in their queue: joined, tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.repos.request_answers import KEYS

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller


def test_a_request_becomes_a_task_at_once(admin: Caller, tag_id: int) -> None:
    answer = admin.repo.request("dist")
    assert (answer["repo"], answer["duplicate"]) == (None, False)
    request = answer["request"]
    assert set(request) == KEYS
    assert (request["tag_id"], request["active"], request["tries"]) == (tag_id, True, 1)
    assert (request["min_event"], request["at_event"]) == (admin.tagLastChangeEvent("dist"), None)
    task = admin.getTaskInfo(request["task_id"], request=True)
    assert (task["method"], task["priority"]) == ("newRepo", 15)
    assert koji.decode_args(*task["request"]) == (({"id": tag_id, "name": "dist"},), {"opts": {}})
    check = admin.repo.checkRequest(request["id"])
    assert (check["repo"], check["request"], check["task"]["id"]) == (None, request, task["id"])


@pytest.mark.usefixtures("tag_id")
def test_the_same_request_is_joined_not_made_again(admin: Caller) -> None:
    first = admin.repo.request("dist", min_event="last")["request"]
    again = admin.repo.request("dist", min_event="last", priority=-5)
    assert again["duplicate"] is True
    assert again["request"] == {**first, "priority": koji.PRIO_DEFAULT - 5}
    other = admin.repo.request("dist", min_event="last", opts={"src": True})
    assert other["duplicate"] is False
    assert len(admin.repo.queryQueue([["tag_name", "dist"]])) == 2


@pytest.mark.usefixtures("tag_id")
def test_a_failed_task_is_made_again_a_few_times(admin: Caller) -> None:
    request = admin.repo.request("dist")["request"]
    tasks = [request["task_id"]]
    for _ in range(3):
        admin.cancelTask(tasks[-1])
        tasks.append(admin.repo.checkRequest(request["id"])["task"]["id"])
    assert len(set(tasks)) == 4
    admin.cancelTask(tasks[-1])
    check = admin.repo.checkRequest(request["id"])
    assert (check["request"]["active"], check["request"]["tries"]) == (False, 4)
