"""The life of a task, and of those below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


@pytest.fixture
def builder(served: Served) -> Session:
    return served.builder("b1")


def test_a_tree_of_tasks(admin: Session, builder: Session) -> None:
    top = admin.makeTask("sleep", [0])
    builder.host.openTask(top)
    child = builder.host.subtask("sleep", [1], top, label="a")
    builder.host.openTask(child)
    grandchild = builder.host.subtask2(child, {"label": "b"}, "sleep", 2, flag=True)
    assert admin.getTaskRequest(grandchild) == [2, {"flag": True, "__starstar": True}]
    tree = admin.getTaskDescendents(top, request=True)
    assert {key: ids(rows) for key, rows in tree.items()} == {
        str(top): [child],
        str(child): [grandchild],
        str(grandchild): [],
    }
    admin.setTaskPriority(top, 1)
    assert admin.getTaskInfo(grandchild)["priority"] == 1
    admin.setTaskPriority(top, 9, recurse=False)
    assert admin.getTaskInfo(child)["priority"] == 1
    with pytest.raises(koji.GenericError, match="is not top-level"):
        admin.cancelTaskFull(grandchild)
    admin.cancelTaskFull(grandchild, strict=False)
    assert {admin.getTaskInfo(task)["state"] for task in (top, child, grandchild)} == {
        koji.TASK_STATES["CANCELED"]
    }
    assert admin.taskFinished(top) is True
    with pytest.raises(koji.GenericError, match="can't be updated"):
        admin.setTaskPriority(top, 2)


def test_tasks_that_do_not_exist(admin: Session) -> None:
    assert admin.getTaskInfo(99) is None
    assert admin.getTaskInfo([98, 99]) == [None, None]
    assert admin.getTaskChildren(99) == []
    for call in (admin.cancelTask, admin.freeTask, admin.getTaskResult, admin.getTaskRequest):
        with pytest.raises(koji.GenericError, match="No such task"):
            call(99)
    with pytest.raises(koji.GenericError, match="No such task"):
        admin.getTaskInfo(99, strict=True)
    with pytest.raises(koji.ParameterError):
        admin.getTaskInfo("nonsense")


def test_an_admin_frees_and_assigns(admin: Session, builder: Session) -> None:
    task_id = admin.makeTask("sleep", [0], assign="b1")
    assert admin.getTaskInfo(task_id)["state"] == koji.TASK_STATES["ASSIGNED"]
    admin.freeTask(task_id)
    assert admin.getTaskInfo(task_id)["host_id"] is None
    assert admin.assignTask(task_id, "b1") is True
    builder.host.openTask(task_id)
    assert admin.assignTask(task_id, "b1") is False
    assert admin.assignTask(task_id, "b1", force=True) is True
    admin.cancelTask(task_id)
    with pytest.raises(koji.GenericError, match="state is CANCELED"):
        admin.freeTask(task_id)
