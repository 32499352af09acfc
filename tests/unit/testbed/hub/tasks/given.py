"""Tasks of clients, and the tasks that a host is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Session


def task(admin: Session, **options: Any) -> int:
    task_id: int = admin.makeTask("sleep", [0], **options)
    return task_id


def given(builder: Session) -> list[int]:
    return [entry["id"] for entry in builder.host.getTasks()]
