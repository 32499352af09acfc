"""The buildroot's record on the hub, from newBuildRoot to EXPIRED.

The hub enforces the order INIT, BUILDING, EXPIRED, wants the base list in INIT and an update in BUILDING
(kojid-facts 4.3), and keeps the repo only while a record that is not expired refers to it. So a record is opened
before the first package is fetched, and leaving the context expires it, whatever happened.
"""

import logging
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import koji

from koji_adjutant.hub import HubSession

logger = logging.getLogger(__name__)


class BuildrootRecord:
    """One row of the hub's buildroots; `id` is known inside the context."""

    def __init__(self, session: HubSession, *, repo_id: int, arch: str, task_id: int) -> None:
        self.id = 0
        self._host = session.host
        self._repo_id = repo_id
        self._arch = arch
        self._task_id = task_id
        self._expired = False

    def __enter__(self) -> Self:
        self.id = self._host.newBuildRoot(self._repo_id, self._arch, task_id=self._task_id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._expired:
            return
        try:
            self.expire()
        except (koji.GenericError, OSError):
            if kind is None:
                raise
            # The daemon expires what is left of a task that is not its own any more.
            logger.warning("buildroot %d of task %d could not be expired", self.id, self._task_id)

    def set_list(self, packages: Sequence[dict[str, Any]]) -> None:
        """Report the base set."""
        self._host.setBuildRootList(self.id, list(packages))

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
