"""doctor beside a daemon at work: it sees what there is, and nobody notices."""

from typing import Any

from koji_adjutant.testbed.content import BUILD_TAG, HOST
from tests.integration.cli.doctor.faults import Ground
from tests.integration.running import Testbed

UNTOUCHED = ("main", "worker", "lock", "session")
"""Files of the state directory that only a start of the daemon changes."""


def sessions(testbed: Testbed) -> list[dict[str, Any]]:
    """The sessions of the host that live, but for those of its tasks."""
    found = testbed.session.getSessionInfo(details=True, user_id=HOST)
    return [one for one in found if one["master"] is None]


def test_tasks_go_on_beside_it(ground: Ground) -> None:
    """A new repo: two tasks, one of which works in a container."""
    testbed = ground.testbed
    files = {name: testbed.layout.state_dir / name for name in UNTOUCHED}
    before = {name: file.stat().st_mtime_ns for name, file in files.items()}
    (own,) = sessions(testbed)
    task = testbed.session.newRepo(BUILD_TAG)
    found = ground.examine()
    assert not {name: one["text"] for name, one in found.items() if one["status"] == "failure"}
    assert testbed.wait_task(task).state == "CLOSED", testbed.fault(task)
    (after,) = sessions(testbed)
    assert (after["id"], after["exclusive"]) == (own["id"], own["exclusive"])
    assert after["exclusive"]
    assert {name: file.stat().st_mtime_ns for name, file in files.items()} == before
