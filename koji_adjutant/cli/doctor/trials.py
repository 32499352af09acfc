"""Short containers of the default task image, for a check that wants to see something from inside. Pure.

Each carries the name of this process, so that a sweep removes it should this process be killed.
"""

import os

from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import TOOL_PATH
from koji_adjutant.daemon.cleanup.bound_containers import process_label


def short_container(on: Surroundings, command: tuple[str, ...]) -> ContainerSpec:
    """A container with no network, no mount and no privilege."""
    return ContainerSpec(
        image=on.config.task_image_default,
        command=command,
        labels={**Owner(worker=on.worker).labels(Role.TOOL), labels.PROCESS: process_label(os.getpid())},
        environment={"PATH": TOOL_PATH},
    )
