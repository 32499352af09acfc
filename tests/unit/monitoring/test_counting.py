"""What events count for: told as a daemon would, or as nobody should."""

import json
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.file import decoded
from koji_adjutant.journal.phases import GivenBack, HostEvent, Phase
from koji_adjutant.monitoring import families
from koji_adjutant.monitoring.counting import Counting
from koji_adjutant.monitoring.families import Family
from tests.fakes.story import Story


class Count:
    """A story that is counted."""

    def __init__(self) -> None:
        self.story = Story()
        self.counting = Counting(lambda _task: None)
        self.counting.methods.learn(["buildArch", "build"])

    def take(self, ago: float, name: Phase | HostEvent, **more: Any) -> None:
        self.story.record(ago, name, **more)
        event = decoded(self.story.lines().splitlines()[-1])
        self.counting.take(event)  # type: ignore[arg-type]

    def of(self, family: Family) -> dict[tuple[str, ...], float]:
        """Values of a counter, or counts of a histogram, without what is nought."""
        return {
            labels: total
            for labels, cells in self.counting.tally.of(family)
            if (total := cells[0] if len(cells) < 3 else sum(cells[:-1]))
        }

    def sum_of(self, family: Family, *labels: str) -> float:
        return next(cells[-1] for found, cells in self.counting.tally.of(family) if found == labels)

    def again(self) -> None:
        """As a server that was restarted."""
        kept = json.loads(json.dumps(self.counting.to_json()))
        self.counting = Counting(lambda _task: None)
        self.counting.take_json(kept)


@pytest.fixture(params=[False, True], ids=["at a stretch", "restarted"])
def count(request: pytest.FixtureRequest) -> Count:
    made = Count()
    if request.param:
        take = made.take

        def take_again(ago: float, name: Phase | HostEvent, **more: Any) -> None:
            take(ago, name, **more)
            made.again()

        made.take = take_again  # type: ignore[method-assign]
    return made


def test_a_build_is_one_task_with_its_phases(count: Count) -> None:
    method = {"method": "buildArch"}
    count.take(100, Phase.OPENED, task=5, created=count.story.now - 160, **method)
    count.take(99, Phase.STARTED, task=5, pid=77, **method)
    count.take(98, Phase.BUILDROOT_RECORD, task=5, pid=77)
    count.take(96, Phase.SOLVED, task=5, pid=77)
    count.take(86, Phase.POPULATED, task=5, pid=77, seconds=9.5)
    count.take(86, Phase.BUILDROOT_READY, task=5, pid=77, root="populated")
    count.take(80, Phase.SOLVED, task=5, pid=77)
    count.take(77, Phase.BUILDROOT_READY, task=5, pid=77, root="deps_hit")
    count.take(40, Phase.UPLOADED, task=5, pid=77)
    count.take(39, Phase.CLOSED, task=5, pid=77)
    count.take(38, Phase.CONTAINER_REMOVED, task=5, pid=77)
    assert count.of(families.TASKS_ENDED) == {("buildArch", "closed"): 1}
    assert count.sum_of(families.TASK_DURATION, "buildArch") == pytest.approx(61, abs=0.1)
    assert count.sum_of(families.WAIT, "buildArch") == pytest.approx(60, abs=0.1)
    spent = {phase: cells[-1] for (_, phase), cells in count.counting.tally.of(families.PHASE_DURATION)}
    assert spent == {
        "starting": pytest.approx(2, abs=0.1),
        "repo": pytest.approx(2, abs=0.1),
        "populating": pytest.approx(13, abs=0.1),
        "building": pytest.approx(43, abs=0.1),
        "closing": pytest.approx(1, abs=0.1),
    }
    assert count.of(families.ROOTS) == {("deps_hit",): 1}
    assert count.sum_of(families.POPULATE) == 9.5


def test_an_end_that_two_report_is_one(count: Count) -> None:
    count.take(9, Phase.OPENED, task=5, method="buildArch")
    count.take(8, Phase.CANCELED, task=5, pid=77, why="canceled")
    count.take(7, Phase.CANCELED, task=5, why="it was canceled")
    assert count.of(families.TASKS_ENDED) == {("buildArch", "canceled"): 1}
    assert not count.of(families.TASK_DURATION)


def test_tasks_that_go_back_are_counted_by_reason(count: Count) -> None:
    count.take(9, Phase.OPENED, task=5, method="buildArch")
    count.take(8, Phase.FREED, task=5, reason=GivenBack.ENGINE, why="podman does not answer")
    count.take(7, Phase.REFUSED, task=6, method="runroot", reason=GivenBack.PLUGIN, why="no", soft=True)
    count.take(6, Phase.FREED, task=7, why="written by the version before")
    assert count.of(families.GIVEN_BACK) == {("engine",): 1, ("plugin",): 1, ("other",): 1}
    assert count.of(families.TASKS_ENDED) == {
        ("buildArch", "freed"): 1,
        ("other", "refused"): 1,
        ("other", "freed"): 1,
    }


def test_starts_are_counted_by_how_the_one_before_ended(count: Count) -> None:
    count.take(90, HostEvent.DAEMON_STARTED)
    count.take(80, HostEvent.DAEMON_STOPPED, why="reload")
    count.take(79, HostEvent.DAEMON_STARTED)
    count.take(70, HostEvent.DAEMON_STARTED, pid=4200)
    count.take(60, HostEvent.DAEMON_STOPPED, pid=4200, why="out of petrol")
    count.take(50, HostEvent.DAEMON_STARTED, pid=4300)
    assert count.of(families.RESTARTS) == {("reload",): 1, ("crash",): 1, ("other",): 1}


def test_a_task_that_is_taken_over_goes_on(count: Count) -> None:
    count.take(2000, Phase.OPENED, task=5, method="buildArch", pid=1)
    count.take(1900, Phase.ADOPTED, task=5, method="buildArch", pid=2)
    count.take(1899, HostEvent.DAEMON_STARTED, pid=2)
    count.take(5, HostEvent.READY, pid=2)
    count.take(1, Phase.CLOSED, task=5, pid=77)
    assert count.of(families.ADOPTED) == {(): 1}
    assert count.of(families.TASKS_ENDED) == {("buildArch", "closed"): 1}


def test_a_task_that_nobody_takes_over_is_lost(count: Count) -> None:
    count.take(2000, Phase.OPENED, task=5, method="buildArch", pid=1)
    count.take(2000, Phase.OPENED, task=6, method="buildArch", pid=1)
    count.take(1899, HostEvent.DAEMON_STARTED, pid=2)
    count.take(1800, Phase.FREED, task=6, pid=2, reason=GivenBack.LOST, why="no process of it runs here")
    assert count.of(families.TASKS_ENDED) == {("buildArch", "freed"): 1}
    count.take(5, HostEvent.READY, pid=2)
    assert count.of(families.TASKS_ENDED) == {("buildArch", "freed"): 1, ("buildArch", "lost"): 1}


def test_a_task_that_comes_back_was_lost_before(count: Count) -> None:
    count.take(20, Phase.OPENED, task=5, method="buildArch")
    count.take(10, Phase.OPENED, task=5, method="buildArch")
    count.take(5, Phase.CLOSED, task=5)
    assert count.of(families.TASKS_ENDED) == {("buildArch", "lost"): 1, ("buildArch", "closed"): 1}
    assert count.sum_of(families.TASK_DURATION, "buildArch") == pytest.approx(5, abs=0.1)


def test_requests_of_all_processes_are_added_up(count: Count) -> None:
    for _ in range(2):
        count.take(
            5,
            HostEvent.REQUESTS,
            hub={"multiCall": [10, 1, 0.5], "host.evil": [1, 0, 0.1]},
            hub_retries=2,
            engine={"ping": [3, 0, 0.03]},
            uploaded_bytes=1000,
            log_uploaded_bytes=200,
            log_lag_seconds=61.5,
            downloaded_bytes={"network": 10, "cache": 20, "moon": 1},
        )
    assert count.of(families.HUB_REQUESTS) == {
        ("multiCall", "ok"): 18,
        ("multiCall", "error"): 2,
        ("other", "ok"): 2,
    }
    assert count.of(families.HUB_DURATION) == {(): 22}
    assert count.sum_of(families.HUB_DURATION) == pytest.approx(1.2)
    assert count.of(families.HUB_RETRIES) == {(): 4}
    assert count.of(families.ENGINE_REQUESTS) == {("ping", "ok"): 6}
    assert count.of(families.UPLOADED) == {(): 2000}
    assert count.of(families.LOG_UPLOADED) == {(): 400}
    assert count.of(families.DOWNLOADED) == {("network",): 20, ("cache",): 40, ("other",): 2}


def test_the_lag_is_that_of_the_last_minutes() -> None:
    count = Count()
    count.take(900, HostEvent.REQUESTS, log_lag_seconds=500)
    count.take(200, HostEvent.REQUESTS, log_lag_seconds=61.5)
    count.take(100, HostEvent.REQUESTS, log_lag_seconds=2)
    assert count.counting.lag(count.story.now) == 61.5
    assert count.counting.lag(count.story.now + 3600) == 0


def test_what_sweeps_find_is_counted_by_kind(count: Count) -> None:
    count.take(5, Phase.SWEPT, task=5, container="c")
    count.take(
        4, HostEvent.SWEEP_ENDED, removed={"conmons": 2, "processes": 0, "work_directories": 3, "x": 1}
    )
    assert count.of(families.SWEPT) == {
        ("containers",): 1,
        ("conmons",): 2,
        ("work_directories",): 3,
        ("other",): 1,
    }


def test_running_tasks_are_not_kept_for_ever() -> None:
    count = Count()
    for task in range(1, 3003):
        count.counting.take(
            decoded(  # type: ignore[arg-type]
                json.dumps(
                    {
                        "v": 2,
                        "time": "2026-11-29T12:00:00Z",
                        "boot_id": "b",
                        "since_boot": 1.0,
                        "pid": 1,
                        "event": "opened",
                        "task": task,
                        "details": {"method": "buildArch"},
                    }
                ).encode()
            )
        )
    assert count.of(families.TASKS_ENDED) == {("buildArch", "lost"): 2002}
    assert len(count.counting.to_json()["tasks"]) == 1000


ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "text",
    [],
    ["a", {}],
    {},
    {"a": []},
    {"buildArch": "x"},
    [[1, 2, 3]],
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_line_makes_it_fail(odd: Any, tmp_path: Path) -> None:
    """Every detail that is read, of every event, as nobody would write it."""
    count = Count()
    keys = (
        "method",
        "created",
        "reason",
        "root",
        "seconds",
        "why",
        "removed",
        "command",
        "hub",
        "hub_retries",
    )
    more = ("engine", "uploaded_bytes", "log_uploaded_bytes", "downloaded_bytes", "log_lag_seconds")
    details = dict.fromkeys((*keys, *more), odd)
    for name in (*Phase, *HostEvent):
        count.take(5, name, task=5, **details)
        count.take(4, name, **details)
    count.take(3, HostEvent.REQUESTS, hub={"login": odd, "multiCall": [odd, odd, odd]})
    count.again()
