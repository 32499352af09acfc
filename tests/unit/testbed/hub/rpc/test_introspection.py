"""What the hub says of its own methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served


def test_the_hub_describes_its_methods(served: Served) -> None:
    client = served.client()
    entries = {entry["name"]: entry for entry in client._listapi()}
    assert entries["getTaskInfo"]["args"] == ["task_id", ["request", False], ["strict", False]]
    assert sorted(entries) == client.system.listMethods()
    assert client.system.methodHelp("host.openTask") == "host.openTask(task_id)"
