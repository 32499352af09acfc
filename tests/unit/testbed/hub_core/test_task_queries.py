"""What users see of tasks: lists, trees, priorities, output; and the older way to upload."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, dumps

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub_core.conftest import Served, Session


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


@pytest.fixture
def builder(served: Served) -> Session:
    return served.builder("b1")


def test_list_tasks_by_what_they_are(served: Served, admin: Session, builder: Session) -> None:
    first = admin.makeTask("sleep", [1], arch="x86_64")
    served.clock.now += 100
    second = admin.makeTask("other", [2], priority=3)
    builder.host.openTask(second)
    open_state, free_state = koji.TASK_STATES["OPEN"], koji.TASK_STATES["FREE"]
    for options, expected in (
        ({}, [first, second]),
        ({"method": "sleep"}, [first]),
        ({"state": [open_state]}, [second]),
        ({"not_state": [open_state]}, [first]),
        ({"arch": ["x86_64"]}, [first]),
        ({"host_id": None}, [first]),
        ({"not_host_id": None}, [second]),
        ({"parent": None, "owner": 1, "channel_id": [1, 2]}, [first, second]),
        ({"createdAfter": served.clock.now - 50}, [second]),
        ({"createdBefore": "2027-01-15 08:00:50"}, [first]),
        ({"startedAfter": 0, "completeBefore": None}, [second]),
        ({"state": [free_state, open_state], "not_owner": 1}, []),
    ):
        assert ids(admin.listTasks(options)) == expected, options


def test_list_tasks_in_pages(admin: Session) -> None:
    tasks = [admin.makeTask("sleep", [n]) for n in range(4)]
    assert ids(admin.listTasks(queryOpts={"order": "-id", "limit": 2})) == tasks[:1:-1]
    assert ids(admin.listTasks(queryOpts={"order": "create_time,-id", "offset": 3})) == tasks[:1]
    assert admin.listTasks({"method": "sleep"}, {"countOnly": True}) == 4
    with pytest.raises(koji.ParameterError):
        admin.listTasks(queryOpts={"order": "id; DROP TABLE task"})


def test_list_tasks_decoded(admin: Session, builder: Session) -> None:
    task_id = admin.makeTask("sleep", [7])
    builder.host.openTask(task_id)
    builder.host.failTask(task_id, dumps(Fault(1005, "broken")))
    row = admin.listTasks({"decode": True})[0]
    assert (row["request"], row["owner_name"], row["owner_type"]) == ([7], "admin", 0)
    assert row["result"] == {"faultCode": 1005, "faultString": "broken"}


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


def test_options_that_no_task_has(admin: Session) -> None:
    with pytest.raises(koji.ParameterError):
        admin.makeTask("sleep", [0], colour="red")
    with pytest.raises(koji.ActionNotAllowed, match="owner option"):
        admin.makeTask("sleep", [0], owner="admin")
    with pytest.raises(koji.GenericError):
        admin.makeTask("sleep", [0], arch="x86_64;rm")


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


def test_task_output(served: Served, admin: Session, builder: Session) -> None:
    task_id = admin.makeTask("sleep", [0])
    builder.host.openTask(task_id)
    path = koji.pathinfo.taskrelpath(task_id)
    for name, data in (("a.log", b"0123456789"), ("b.log", b"x")):
        builder.callMethod("rawUpload", data, 0, path, name, overwrite=True)
    assert admin.listTaskOutput(task_id) == ["a.log", "b.log"]
    assert admin.listTaskOutput(task_id, all_volumes=True) == {"a.log": ["DEFAULT"], "b.log": ["DEFAULT"]}
    assert admin.listTaskOutput(task_id, stat=True)["a.log"]["st_size"] == "10"
    assert admin.listTaskOutput(task_id, stat=True, all_volumes=True)["b.log"]["DEFAULT"]["st_size"] == "1"
    for options, expected in (
        ({}, b"0123456789"),
        ({"offset": 4, "size": 3}, b"456"),
        ({"offset": -2}, b"89"),
        ({"offset": "8", "volume": "DEFAULT"}, b"89"),
    ):
        assert admin.downloadTaskOutput(task_id, "a.log", **options) == expected
    for name in ("../secret", "missing.log"):
        with pytest.raises(koji.GenericError):
            admin.downloadTaskOutput(task_id, name)


def test_output_of_no_task(admin: Session) -> None:
    assert admin.listTaskOutput(99) == []
    assert admin.listTaskOutput(99, all_volumes=True) == {}
    with pytest.raises(koji.GenericError, match="Task doesn't exist"):
        admin.listTaskOutput(99, strict=True)


def chunk(admin: Session, data: bytes, offset: int, size: int, digest: str, *, name: str = "f.rpm") -> bool:
    sent: bool = admin.uploadFile("cli-build/x", name, size, digest, offset, b64encode(data).decode())
    return sent


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_upload_inside_a_call(served: Served, admin: Session) -> None:
    assert chunk(admin, b"abc", 0, 3, md5(b"abc")) is True
    assert chunk(admin, b"def", 3, 3, md5(b"def")) is True
    assert chunk(admin, b"", -1, 6, md5(b"abcdef")) is True
    assert (served.hub.topdir / "work/cli-build/x/f.rpm").read_bytes() == b"abcdef"
    assert chunk(admin, b"abc", 6, 3, md5(b"xyz")) is False
    assert chunk(admin, b"abc", 6, 99, md5(b"abc")) is False
    assert chunk(admin, b"", -1, 6, md5(b"abcxyz")) is False
    with pytest.raises(koji.GenericError, match="file already exists"):
        chunk(admin, b"abc", 0, 3, md5(b"abc"))
    for _ in range(2):
        assert chunk(admin, b"abc", 0, 3, md5(b"abc"), name="f.log") is True


def test_policies(served: Served, admin: Session, builder: Session) -> None:
    served.hub.accounts.add_user("mary", "mary")
    mary = admin.getUser("mary")["id"]
    builder.host.assertPolicy("build_rpm", {"user_id": mary})
    builder.host.assertPolicy("build_from_srpm", {"user_id": 1})
    with pytest.raises(koji.ActionNotAllowed, match=r"policy violation \(build_from_srpm\)"):
        builder.host.assertPolicy("build_from_srpm", {"user_id": mary})
    assert builder.host.checkPolicy("no_such_policy", {}) == [True, "missing policy"]
    assert builder.host.checkPolicy("build_from_scm", {"user_id": mary})[0] is False
    assert admin.evalPolicy("channel", {"req_channel": "vm"}) == "req"
    assert admin.evalPolicy("channel", {"parent": 1}) == "parent"
    assert builder.host.evalPolicy("channel", {}) == "use default"
    with pytest.raises(koji.GenericError, match="no such policy"):
        admin.evalPolicy("nonsense", {})


def test_a_hosts_own_view(builder: Session) -> None:
    hosts, tasks = builder.host.getLoadData()
    assert (hosts[0]["name"], hosts[0]["channels"], tasks) == ("b1", [1, 2], [])
    builder.host.setHostData('{"methods": ["x"]}')
    assert builder.scheduler.getHostData(hostID=1) == [{"host_id": 1, "data": {"methods": ["x"]}}]
    with pytest.raises(koji.ParameterError):
        builder.host.setHostData([1])


def test_scheduler_views_refuse_what_they_do_not_have(admin: Session) -> None:
    for clauses in ([["nonsense", 1]], [["id", "~", 1]]):
        with pytest.raises(koji.ParameterError):
            admin.scheduler.getTaskRuns(clauses)
    assert admin.scheduler.getTaskRuns([["task_id", "IN", [1, 2]]], fields=["host_name", "state"]) == []


def test_decoding_is_the_clients_business(admin: Session, builder: Session) -> None:
    task_id = admin.makeTask("sleep", [0])
    builder.host.openTask(task_id)
    builder.callMethod("rawUpload", b"\x00\xff", 0, koji.pathinfo.taskrelpath(task_id), "raw", overwrite=True)
    wire = admin._callMethod("downloadTaskOutput", (task_id, "raw"))
    assert b64decode(wire) == b"\x00\xff"
