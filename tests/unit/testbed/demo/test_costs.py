"""What a build costs, measured while it runs."""

import os
import subprocess

from koji_adjutant.testbed.demo.costs import Memory, watched
from koji_adjutant.testbed.services import Service
from tests.waiting import eventually


def test_the_most_that_was_seen_of_the_daemon_and_its_tasks() -> None:
    own = Service(pid=os.getpid(), started=0)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE), watched(own, lambda *_: True) as seen:
        eventually(lambda: seen.main and seen.task, "both are looked at")
    assert seen.main > seen.task > 0


def test_what_has_gone_is_kept() -> None:
    seen = Memory(main=1 << 40, task=7)
    seen.take(Service(pid=os.getpid(), started=0), lambda *_: True)
    assert seen.main == 1 << 40
    assert seen.task >= 7
