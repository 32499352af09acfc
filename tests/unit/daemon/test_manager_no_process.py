"""A task for which no process can be had: the machine has too many, or we too many files."""

import errno
import os
from typing import Any, cast

import koji
import pytest

from koji_adjutant.daemon import Daemon
from koji_adjutant.handlers.base import TaskHandler
from tests.hubs import HOST, Hub


class Task(TaskHandler):
    """One that is never run."""

    Methods = ["sleep"]  # noqa: RUF012


def sessions(hub: Hub) -> list[int]:
    found = hub.admin.getSessionInfo(details=True, user_id=hub.admin.getUser(HOST)["id"])
    return [one["id"] for one in found]


@pytest.mark.parametrize("what", ["fork", "pidfd_open"])
def test_it_goes_back_and_so_does_its_session(
    daemon: Daemon, hub: Hub, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    task = hub.admin.makeTask("sleep", [600])
    daemon.session.host.openTask(task)
    before = sessions(hub)

    def fail(*_: object) -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, what, fail)
    handler = Task(task, "sleep", [600], daemon.session, cast("Any", daemon.options))
    with pytest.raises(BlockingIOError):
        daemon.forkTask(handler)
    assert hub.admin.getTaskInfo(task)["state"] == koji.TASK_STATES["FREE"]
    assert sessions(hub) == before
    assert not daemon.tasks
    assert not daemon.processes
