"""`python -m benchmarks.status_load PORT`: who asks a status server much, until it is told to end.

A hundred requests a second, spread over a few connections, so that one slow answer does not hold the others up; and
one client that follows the events. It is as low as the server in the scheduler's eyes: on a real host nobody asks from
the host itself. At the end it says how many answers there were, how many of them were no good, and how long the slowest
took.
"""

import http.client
import itertools
import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass

PER_SECOND = 100.0
CONNECTIONS = 4
TARGETS = ("/metrics", "/api/v1/status", "/api/v1/tasks")
EVENTS = "/api/v1/events"
NICE = 19
PATIENCE = 30.0
OK = 200


@dataclass(kw_only=True)
class Answers:
    """What came back."""

    answers: int = 0
    failures: int = 0
    slowest: float = 0.0
    """Seconds."""
    seconds: float = 0.0
    """How long requests were made."""
    events: int = 0
    """Bytes of them."""


class Load:
    """Asks from as many threads as there are connections, and one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.answers = Answers()

    def run(self) -> None:
        """Until `end`."""
        began = time.monotonic()
        askers = [threading.Thread(target=self._ask) for _ in range(CONNECTIONS)]
        for thread in (*askers, threading.Thread(target=self._follow, daemon=True)):
            thread.start()
        self._over.wait()
        for thread in askers:
            thread.join()
        self.answers.seconds = time.monotonic() - began

    def end(self) -> None:
        self._over.set()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        due = time.monotonic()
        for target in itertools.cycle(TARGETS):
            due += CONNECTIONS / PER_SECOND
            if self._over.wait(max(0.0, due - time.monotonic())):
                break
            began = time.monotonic()
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            self._count(is_good=response.status == OK, seconds=time.monotonic() - began)
        connection.close()

    def _count(self, *, is_good: bool, seconds: float) -> None:
        with self._lock:
            self.answers.answers += 1
            self.answers.failures += not is_good
            self.answers.slowest = max(self.answers.slowest, seconds)

    def _follow(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.request("GET", EVENTS)
        response = connection.getresponse()
        while piece := response.read1(1 << 16):
            self.answers.events += len(piece)


def main(port: int) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    load = Load(port)
    signal.signal(signal.SIGTERM, lambda *_: load.end())
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    load.run()
    json.dump(asdict(load.answers), sys.stdout)
    sys.stdout.flush()
    # Who follows waits for events that nobody sends.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
