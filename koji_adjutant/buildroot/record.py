"""The buildroot's record on the hub, from newBuildRoot to EXPIRED.

The hub enforces the order INIT, BUILDING, EXPIRED, wants the base list in INIT and an update in BUILDING
(kojid-facts 4.3), and keeps the repo only while a record that is not expired refers to it. So a record is opened
before the first package is fetched, and leaving the context expires it, whatever happened. A call whose answer was
lost is looked up: a second record would be one that nobody expires.
"""

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import koji

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub import HubSession
from koji_adjutant.hub_repeat import do_once, look_first

logger = logging.getLogger(__name__)


class BuildrootRecord:
    """One row of the hub's buildroots; `id` is known inside the context."""

    def __init__(self, session: HubSession, *, repo_id: int, arch: str, task_id: int) -> None:
        self.id = 0
        self._session = session
        self._host = session.host
        self._repo_id = repo_id
        self._arch = arch
        self._task_id = task_id
        self._expired = False

    def __enter__(self) -> Self:
        self.id = look_first(
            "newBuildRoot",
            lambda: self._host.newBuildRoot(self._repo_id, self._arch, task_id=self._task_id),
            self._find,
        )
        return self

    def _find(self) -> int | None:
        """The record that a call has made whose answer did not arrive: the newest one, still without packages."""
        hub: Any = self._session
        found = hub.listBuildroots(taskID=self._task_id, state=koji.BR_STATES["INIT"])
        ids = [row["id"] for row in found if (row["repo_id"], row["arch"]) == (self._repo_id, self._arch)]
        newest = max(ids, default=None)
        return None if newest is None or self._has_list(newest) else newest

    def _has_list(self, buildroot: int) -> bool:
        hub: Any = self._session
        return bool(hub.listRPMs(componentBuildrootID=buildroot, queryOpts={"limit": 1}))

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._expired:
            return
        try:
            if kind is None or issubclass(kind, Exception):
                self.expire()
            else:
                # The process is to end now, whether the hub answers or not.
                self._session.call_once("host.setBuildRootState", self.id, "EXPIRED")
        except (koji.GenericError, OSError, TaskCanceled):
            if kind is None:
                raise
            # The daemon expires what is left of a task that is not its own any more.
            logger.warning("buildroot %d of task %d could not be expired", self.id, self._task_id)

    def set_list(self, packages: Sequence[dict[str, Any]]) -> None:
        """Report the base set."""
        do_once(
            "setBuildRootList",
            lambda: self._host.setBuildRootList(self.id, list(packages)),
            lambda: self._has_list(self.id),
        )

    def building(self) -> None:
        """Say that the build begins."""
        self._host.setBuildRootState(self.id, "BUILDING")

    def update_list(self, packages: Sequence[dict[str, Any]]) -> None:
        """Report everything that is installed now."""
        self._host.updateBuildRootList(self.id, list(packages))

    def expire(self) -> None:
        """Say that the buildroot is gone."""
        self._host.setBuildRootState(self.id, "EXPIRED")
        self._expired = True
