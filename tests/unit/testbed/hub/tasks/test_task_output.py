"""Files that a task has written."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served, Session


@pytest.fixture
def builder(served: Served) -> Session:
    return served.builder("b1")


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


def test_decoding_is_the_clients_business(admin: Session, builder: Session) -> None:
    task_id = admin.makeTask("sleep", [0])
    builder.host.openTask(task_id)
    builder.callMethod("rawUpload", b"\x00\xff", 0, koji.pathinfo.taskrelpath(task_id), "raw", overwrite=True)
    wire = admin._callMethod("downloadTaskOutput", (task_id, "raw"))
    assert b64decode(wire) == b"\x00\xff"
