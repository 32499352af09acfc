"""doctor beside a daemon at work: it sees what there is, and nobody notices."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from koji_adjutant.testbed.content import HOST
from tests.integration.cli.doctor.faults import Ground
from tests.integration.running import Testbed

ROUNDS = 2
UNTOUCHED = ("main", "worker", "lock", "session")
"""Files of the state directory that only a start of the daemon changes."""


def sessions(testbed: Testbed) -> list[dict[str, Any]]:
    """The sessions of the host that live, but for those of its tasks."""
    found = testbed.session.getSessionInfo(details=True, user_id=HOST)
    return [one for one in found if one["master"] is None]


def test_a_build_goes_on_beside_it(ground: Ground) -> None:
    testbed = ground.testbed
    files = {name: testbed.layout.state_dir / name for name in UNTOUCHED}
    before = {name: file.stat().st_mtime_ns for name, file in files.items()}
    (own,) = sessions(testbed)
    rounds = 0
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(testbed.build, testbed.srpm("hello"), "--scratch")
        while not rounds or (rounds < ROUNDS and not build.done()):
            found = ground.examine()
            rounds += 1
            bad = {name: one["text"] for name, one in found.items() if one["status"] == "failure"}
            assert not bad
    assert build.result().returncode == 0, build.result().output
    (after,) = sessions(testbed)
    assert (after["id"], after["exclusive"]) == (own["id"], own["exclusive"])
    assert after["exclusive"]
    assert {name: file.stat().st_mtime_ns for name, file in files.items()} == before
