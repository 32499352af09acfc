"""Making a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Session


def test_options_that_no_task_has(admin: Session) -> None:
    with pytest.raises(koji.ParameterError):
        admin.makeTask("sleep", [0], colour="red")
    with pytest.raises(koji.ActionNotAllowed, match="owner option"):
        admin.makeTask("sleep", [0], owner="admin")
    with pytest.raises(koji.GenericError):
        admin.makeTask("sleep", [0], arch="x86_64;rm")
