"""What users see of tasks: lists, trees, priorities, output; and the older way to upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, dumps

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


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
