"""What is read from the hub's log, from the journal and from an uploaded log."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import chatty
from benchmarks.bench_testbed import BenchFailed
from benchmarks.phases import breakdown, offsets
from benchmarks.traffic import Traffic, by_method, traffic_of_tasks
from koji_adjutant.journal.file import Event

HUB = """\
2026-01-01 00:00:00,000 INFO koji.adjutant.testbed.hub.access: session 3: multiCall, 900 bytes
2026-01-01 00:00:00,001 INFO koji.adjutant.testbed.hub.access: session 7: host.newBuildRoot, 200 bytes
2026-01-01 00:00:00,002 INFO koji.adjutant.testbed.hub.access: session 7: upload, 1000 bytes
2026-01-01 00:00:00,003 INFO koji.adjutant.testbed.hub.access: session 8: upload, 5 bytes
2026-01-01 00:00:00,004 INFO koji_adjutant.testbed.hub.rpc.dispatch: upload: LockError: session 9: upload, busy
2026-01-01 00:00:00,005 INFO koji.adjutant.testbed.hub.access: session 7: upload, 24 bytes
2026-01-01 00:00:00,006 INFO koji.adjutant.testbed.hub.access: session 7: host.closeTask, 300 bytes
"""


def event(task: int, seconds: float, name: str, **details: str) -> Event:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return Event(time=begin + timedelta(seconds=seconds), name=name, task=task, details=details)


def test_traffic_is_that_of_sessions_that_closed_a_task() -> None:
    assert traffic_of_tasks(HUB.splitlines()) == [Traffic(calls=4, uploads=2, uploaded=1024)]


def test_calls_are_counted_by_method() -> None:
    assert by_method(HUB.splitlines()) == {
        "multiCall": 1,
        "host.newBuildRoot": 1,
        "upload": 3,
        "host.closeTask": 1,
    }


def test_containers_of_a_task_are_told_apart() -> None:
    events = [
        event(1, 0.0, "opened"),
        event(1, 0.5, "container-created", role="build"),
        event(2, 0.6, "container-created", role="build"),
        event(1, 0.7, "container-created", role="solver"),
        event(1, 0.9, "container-created", role="solver"),
        event(1, 2.0, "closed"),
    ]
    assert offsets(events, 1) == pytest.approx(
        {
            "opened": 0.0,
            "container-created build": 0.5,
            "container-created solver": 0.7,
            "container-created solver #2": 0.9,
            "closed": 2.0,
        }
    )


def test_breakdown_has_medians_in_their_order() -> None:
    events = [
        event(task, at, phase)
        for task, end in ((1, 2.0), (2, 4.0), (3, 9.0))
        for at, phase in ((1.0, "b"), (end, "c"))
    ]
    assert list(breakdown(events, [1, 2, 3])) == ["      0.000  +0.000  b", "      3.000  +3.000  c"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"+ echo\nbegin\nx\n+ set\nx\nend\n", True),
        (b"begin\nx\nend\n", False),
        (b"begin\nx\nx\nx\nend\n", False),
        (b"begin\nx\nx\n", False),
    ],
)
def test_a_log_is_complete_or_it_is_not(text: bytes, good: bool, tmp_path: Path) -> None:
    expected = Counter({b"begin\n": 1, b"x\n": 2, b"end\n": 1})
    (tmp_path / "build.log").write_bytes(text)
    if good:
        chatty.check_log(tmp_path / "build.log", expected)
    else:
        with pytest.raises(BenchFailed, match="differs"):
            chatty.check_log(tmp_path / "build.log", expected)
