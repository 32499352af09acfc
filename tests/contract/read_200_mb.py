"""A program: reads 200 MB from a command in a container; prints what that took as JSON.

Usage: python -m tests.contract.read_200_mb SOCKET CONTAINER
"""

import json
import resource
import sys
import time

from koji_adjutant.container.interface import Stream, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from tests.contract.containers import Output

AMOUNT = 200_000_000


class Counter:
    """A LogSink that keeps nothing."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, stream: Stream, data: bytes) -> None:
        assert stream == "stdout"
        self.bytes += len(data)


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(socket: str, container: str) -> None:
    manager = PodmanManager(socket, Timeouts())
    manager.exec(container, ["true"], Output())
    before, began, sink = peak_kb(), time.monotonic(), Counter()
    code = manager.exec(container, ["head", "-c", str(AMOUNT), "/dev/zero"], sink)
    took = time.monotonic() - began
    manager.close()
    found = {"code": code, "bytes": sink.bytes, "seconds": took, "more_kb": peak_kb() - before}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
