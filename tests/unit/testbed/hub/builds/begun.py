"""Builds that have begun, and what the hub says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


KEYS = {
    *("build_id", "cg_id", "cg_name", "completion_time", "completion_ts", "creation_event_id"),
    *("creation_time", "creation_ts", "draft", "epoch", "extra", "id", "name", "nvr", "owner_id"),
    *("owner_name", "package_id", "package_name", "promoter_id", "promoter_name", "promotion_time"),
    *("promotion_ts", "release", "source", "start_time", "start_ts", "state", "task_id", "version"),
    *("volume_id", "volume_name"),
}


def data(task_id: int, **changes: Any) -> dict[str, Any]:
    return {"name": "hello", "version": "1", "release": "2", "epoch": None, "task_id": task_id, **changes}


def begin(hub: ContentHub, builder: Caller, **changes: Any) -> int:
    build_id: int = builder.host.initBuild(data(hub.task(builder), **changes))
    return build_id


def state(admin: Caller, build: Any) -> str:
    name: str = koji.BUILD_STATES[admin.getBuild(build)["state"]]
    return name
