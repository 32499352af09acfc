"""Which network a container is on, by what it does. Pure.

Only what fetches packages or repository metadata ever has one, and configuration says which; what runs code
of a package has none, whatever configuration says.
"""

from enum import StrEnum

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed, TaskFailed, TaskFault

NO_NETWORK = "none"


class NetworkUse(StrEnum):
    """Why a container would want a network."""

    BUILD = "running rpmbuild"
    INSTALL = "installing packages"
    REPODATA = "reading packages of the topdir"
    SOLVE = "fetching packages"
    EXTERNAL_REPOS = "reading external repositories"


FETCHING: dict[NetworkUse, type[TaskFault]] = {
    NetworkUse.SOLVE: BuildrootFailed,
    NetworkUse.EXTERNAL_REPOS: TaskFailed,
}
"""The uses that get a network, and what it is called when they cannot have one."""


def network_for(use: NetworkUse, config: Config) -> str:
    """The network, in the words of ContainerSpec; a TaskFault where it is needed and denied."""
    fault = FETCHING.get(use)
    if fault is None:
        return NO_NETWORK
    if not config.network_enabled:
        raise fault(
            f"{use} needs a network, and network_enabled is off on this builder",
            hint="switch network_enabled on, or do not let this builder have such tasks",
        )
    return config.solver_network
