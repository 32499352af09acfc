"""The phases of a task: spans between the events of its journal, of one fixed list.

Pages draw them, metrics count and measure by them. An event says what a task does from then on, or nothing new; a
phase that nobody knows is no phase. Pure; nothing here has a lifetime.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from koji_adjutant.journal.phases import Phase
from koji_adjutant.policy.methods import METHODS


class PhaseName(StrEnum):
    """What a task does, in the order in which a build passes through it."""

    QUEUED = "queued"
    """From its making on the hub to its opening here."""
    STARTING = "starting"
    """Its process, its parameters, the hub's record of its buildroot, a task image that is pulled."""
    WAITING = "waiting"
    """For its subtasks, or for a repo."""
    WORKING = "working"
    """It needs no container: a tag, a mail."""
    CHECKOUT = "checkout"
    """Sources come from their repository."""
    REPO = "repo"
    """What belongs into the root is looked up in the repo."""
    POPULATING = "populating"
    """Packages are fetched and installed."""
    SRPM = "srpm"
    """rpmbuild -bs."""
    REQUIRES = "requires"
    """rpmbuild -br: dynamic BuildRequires."""
    BUILDING = "building"
    """rpmbuild -bb or -ba, as far as it does not say which of its own phases it is in."""
    PREP = "prep"
    BUILD = "build"
    INSTALL = "install"
    CHECK = "check"
    PACKAGING = "packaging"
    """Built files become packages."""
    COMMAND = "command"
    """A tool of a task without a buildroot: createrepo_c, mergerepo_c."""
    UPLOADING = "uploading"
    CLOSING = "closing"
    """Results are at the hub; it is told the end, and what the task had here is removed."""


ENDS = frozenset({Phase.CLOSED, Phase.FAILED, Phase.REFUSED, Phase.FREED, Phase.CANCELED})
"""Events after which a task is in no phase, by name."""
WAITS = frozenset(row.name for row in METHODS.values() if row.waits)
"""Methods whose tasks wait for others once they run."""
WITHOUT_CONTAINERS = frozenset(row.name for row in METHODS.values() if not row.containers and not row.waits)
_AFTER: Mapping[str, PhaseName] = MappingProxyType(
    {
        Phase.OPENED: PhaseName.STARTING,
        Phase.BUILDROOT_RECORD: PhaseName.REPO,
        Phase.SOLVED: PhaseName.POPULATING,
        Phase.POPULATED: PhaseName.BUILDING,
        Phase.BUILDROOT_READY: PhaseName.BUILDING,
        Phase.UPLOADED: PhaseName.CLOSING,
        Phase.TAGGED: PhaseName.CLOSING,
        Phase.REPO_READY: PhaseName.CLOSING,
    }
)
_RPMBUILD: Mapping[str, PhaseName] = MappingProxyType(
    {
        "bs": PhaseName.SRPM,
        "br": PhaseName.REQUIRES,
        "bd": PhaseName.REQUIRES,
        "prep": PhaseName.PREP,
        "generate_buildrequires": PhaseName.REQUIRES,
        "conf": PhaseName.BUILD,
        "build": PhaseName.BUILD,
        "install": PhaseName.INSTALL,
        "check": PhaseName.CHECK,
        "package": PhaseName.PACKAGING,
    }
)
CHECKOUT_COMMAND = "checkout"


def phase_after(name: str, details: Mapping[str, Any], *, method: str) -> PhaseName | None:
    """What a task of `method` does after the event `name`; None when the event changes nothing of it."""
    command = str(details.get("command", ""))
    if name == Phase.RPMBUILD_STARTED:
        return _RPMBUILD.get(command.removeprefix("rpmbuild-"), PhaseName.BUILDING)
    if name == Phase.COMMAND_STARTED:
        return PhaseName.CHECKOUT if command == CHECKOUT_COMMAND else PhaseName.COMMAND
    if name == Phase.COMMAND_ENDED:
        return None if command == CHECKOUT_COMMAND else PhaseName.UPLOADING
    if name == Phase.STARTED:
        return _when_it_runs(method)
    return _AFTER.get(name)


def _when_it_runs(method: str) -> PhaseName:
    if method in WAITS:
        return PhaseName.WAITING
    return PhaseName.WORKING if method in WITHOUT_CONTAINERS else PhaseName.STARTING
