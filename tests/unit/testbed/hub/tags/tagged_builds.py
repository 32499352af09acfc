"""Builds that are tagged as a task does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def tag_by_task(hub: ContentHub, tag: Any, build: Any, *, user: Caller | None = None, **options: Any) -> None:
    """As a tagBuild task of the user does it."""
    builder = hub.host()
    task_id = hub.task(builder, "tagBuild", owner=user)
    builder.host.tagBuild(task_id, tag, build, **options)


def nvrs(rows: list[dict[str, Any]]) -> list[str]:
    return [row["nvr"] for row in rows]
