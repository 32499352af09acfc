"""What of an engine is there: after a test, a build or a demo nothing may be but what was there before.

Containers, mounts and links go with the request that removes a container. The monitor of a command stays for
`exit_command_delay` longer, so a census of processes has to wait, and `leftovers` does.
"""

import time
from collections.abc import Iterator

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.engine.probe import EXIT_COMMAND_DELAY
from koji_adjutant.testbed.engine.processes import command_line
from koji_adjutant.testbed.engine.service import Engine

WAIT = EXIT_COMMAND_DELAY + 4.0
STEP = 0.05
ARGUMENTS_SHOWN = 160


def leftovers(engine: Engine, before: frozenset[str] = frozenset(), *, wait: float = WAIT) -> list[str]:
    """What is there, was not `before`, and does not go within `wait` seconds."""
    deadline = time.monotonic() + wait
    while True:
        found = census(engine) - before
        if not found or time.monotonic() >= deadline:
            return sorted(found)
        time.sleep(STEP)


def census(engine: Engine) -> frozenset[str]:
    """Containers, mounts, links and processes of a running engine, a line each."""
    return frozenset((*things(engine), *processes(engine)))


def things(engine: Engine) -> Iterator[str]:
    """All that goes at once with its container."""
    manager = PodmanManager(engine.socket, Timeouts())
    for container in manager.find({}):
        yield f"container {container.id[:12]} ({container.state}), labels {dict(container.labels)}"
    manager.close()
    for point in engine.mounts():
        # The storage mounts its own directory on itself while it is in use.
        if point != str(engine.layout.storage / "overlay"):
            yield f"mount {point}"
    for link in engine.links():
        yield f"link {link}"


def processes(engine: Engine) -> Iterator[str]:
    """Monitors, clean-up commands, and what runs in containers."""
    for helper in engine.helpers():
        arguments = command_line(helper.pid)
        if arguments:
            yield f"process {helper.pid} (started {helper.started}): {arguments[:ARGUMENTS_SHOWN]}"
