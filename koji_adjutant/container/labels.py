"""Labels: what a container or image is for, and whose it is.

Every container of the daemon carries worker, role and, when a task owns it, task and buildroot id. A sweep, a cancel
and a census find containers by these alone, so that what was lost from memory is never lost from sight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "io.koji.adjutant."
WORKER = PREFIX + "worker"
TASK = PREFIX + "task-id"
BUILDROOT = PREFIX + "buildroot-id"
ROLE = PREFIX + "role"
TAG = PREFIX + "build-tag"
ARCH = PREFIX + "arch"
GROUP = PREFIX + "install-group"
KEY = PREFIX + "key"
REPO = PREFIX + "repo-id"
PROCESS = PREFIX + "process"
"""Of a shell: the process that it goes with (koji_adjutant.journal.state.ProcessName)."""


def names_of(worker: str) -> str:
    """How the names of this worker's containers begin: all that is left of one whose making broke off early."""
    return f"adjutant-{worker}-" if worker else "adjutant-"


class Role(StrEnum):
    """What a container does."""

    BUILD = "build"
    SOLVER = "solver"
    INSTALLER = "installer"
    TOOL = "tool"
    """A task without a buildroot, e.g. createrepo."""
    CHECKOUT = "checkout"
    """Sources are fetched: what it talks to, and what that answers, is as little trusted as a package."""
    IMAGE = "image"
    """The root of a buildroot image that is being made."""
    SHELL = "shell"
    """Somebody looks around in a copy of a buildroot."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose a container is. `worker` is unique among the workers of an engine."""

    worker: str
    task_id: int | None = None
    buildroot_id: int | None = None
    build_tag: str = ""
    arch: str = ""

    def labels(self, role: Role) -> Mapping[str, str]:
        """The labels of a container of this owner in `role`."""
        found = {WORKER: self.worker, ROLE: role.value}
        optional = {
            TASK: self.task_id,
            BUILDROOT: self.buildroot_id,
            TAG: self.build_tag,
            ARCH: self.arch,
        }
        found.update({key: str(value) for key, value in optional.items() if value not in (None, "")})
        return found
