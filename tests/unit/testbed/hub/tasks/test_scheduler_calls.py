"""What is said of the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Session


def test_scheduler_views_refuse_what_they_do_not_have(admin: Session) -> None:
    for clauses in ([["nonsense", 1]], [["id", "~", 1]]):
        with pytest.raises(koji.ParameterError):
            admin.scheduler.getTaskRuns(clauses)
    assert admin.scheduler.getTaskRuns([["task_id", "IN", [1, 2]]], fields=["host_name", "state"]) == []
