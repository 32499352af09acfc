"""A program for tests: a container of an image, typed into through this program's own standard input and output.

Arguments: the engine's socket, the image, the command. Where standard input is a terminal it becomes the
controlling one, as it would be for somebody who sits at it. SIGHUP and SIGTERM end it as an exception.
"""

import fcntl
import os
import signal
import sys
import termios
from typing import NoReturn

from koji_adjutant.container.interface import ContainerSpec, Timeouts
from koji_adjutant.container.podman.terminal import Console, interact
from koji_adjutant.container.podman_manager import PodmanManager
from tests.contract.containers import PATH, WORKER


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main(socket: str, image: str, *command: str) -> int:
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, _end)
    signal.signal(signal.SIGTERM, _end)
    manager = PodmanManager(socket, Timeouts())
    try:
        return interact(
            manager, ContainerSpec(image=image, command=command, labels=WORKER, environment=PATH), Console()
        )
    finally:
        manager.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
