"""Which network a container is on, by the kind of task and by what the container does. Pure.

Code of a package has a network in the kinds of tasks in which kojid gives it one, and in no other. What reads external
repositories has one; it runs no code of a package. Packages of buildroots are fetched by the daemon itself.
Configuration says which network that is, and can only take it away.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from koji_adjutant.config import Config
from koji_adjutant.errors import TaskFailed, TaskFault

NO_NETWORK = "none"


class NetworkUse(StrEnum):
    """Why a container would want a network."""

    BUILD = "running rpmbuild"
    INSTALL = "installing packages"
    REPODATA = "reading packages of the topdir"
    SOLVE = "solving"
    EXTERNAL_REPOS = "reading external repositories"


FETCHING: dict[NetworkUse, type[TaskFault]] = {
    NetworkUse.EXTERNAL_REPOS: TaskFailed,
}
"""The uses that get a network, and what it is called when they cannot have one."""

PACKAGE_CODE: Mapping[str, bool] = MappingProxyType(
    {
        "buildArch": False,
        "rebuildSRPM": False,
        "wrapperRPM": False,
        "buildSRPMFromSCM": True,
        "buildMaven": True,
        "runroot": True,
        "createAppliance": True,
        "createLiveCD": True,
        "createLiveMedia": True,
        "createKiwiImage": True,
        "createDudIso": True,
    }
)
"""Whether what a package or a user brings runs with a network, by kind of task, as kojid has it. Of a kind that is
not here it does not."""


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


def network_of_package_code(method: str, config: Config) -> str:
    """The network of the container in which a task of `method` runs what a package or a user brings."""
    return config.solver_network if PACKAGE_CODE.get(method) and config.network_enabled else NO_NETWORK
