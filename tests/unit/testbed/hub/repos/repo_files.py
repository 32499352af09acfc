"""What the hub says of a repo, and where its files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import ContentHub


KEYS = {
    *("begin_event", "begin_ts", "create_event", "create_ts", "creation_time", "creation_ts"),
    *("custom_opts", "dist", "end_event", "end_ts", "id", "opts", "state", "state_time", "state_ts"),
    *("tag_id", "tag_name", "task_id", "task_state"),
}


OPTIONS = {"src": False, "debuginfo": False, "separate_src": False, "maven": False}


def directory(hub: ContentHub, repo_id: int, tag: str = "dist") -> Path:
    return hub.topdir / "repos" / tag / str(repo_id)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
