"""The waitrepo handler is Koji's, and looks every few seconds."""

from typing import Any

import koji
import koji.tasks
import pytest

from koji_adjutant.handlers.registry import HANDLERS
from koji_adjutant.handlers.repo.wait_repo import WaitrepoTask
from tests.unit.handlers.replay import ReplaySession

REQUEST = {
    "id": 5,
    "task_id": None,
    "task_state": None,
    "repo_id": None,
    "active": True,
    "tries": 1,
    "min_event": 60,
}
REPO = {"id": 9, "tag_id": 2, "create_event": 61, "state": koji.REPO_READY}


def kw(**words: Any) -> dict[str, Any]:
    return {**words, "__starstar": True}


def test_a_repo_that_comes_is_seen_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other handler of the registry's; the library sleeps between its looks."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    calls = [
        ("getTag", ["dist-build", kw(strict=True)], {"id": 2, "name": "dist-build"}),
        ("repo.request", [2, kw(min_event=60, at_event=None, opts=None)], {"repo": None, "request": REQUEST}),
        ("repo.checkRequest", [5], {"repo": None, "request": REQUEST}),
        ("repo.checkRequest", [5], {"repo": REPO, "request": REQUEST}),
    ]
    session: Any = ReplaySession(
        [{"call": name, "args": args, "result": result} for name, args, result in calls]
    )
    assert issubclass(HANDLERS["waitrepo"], WaitrepoTask)
    kind: Any = WaitrepoTask
    task = kind(7, "waitrepo", ["dist-build", None, [], 60], session, None, "/nowhere")
    assert task.handler("dist-build", None, [], 60) == REPO
    assert session.finished()
    assert slept
    assert max(slept) <= 6 < koji.tasks.WaitrepoTask.PAUSE
