"""Whether a task can be taken."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.readiness import Situation, reason_not_ready, storage_to_measure

GOOD: dict[str, Any] = {
    "host": {"enabled": True, "capacity": 2.0},
    "task_load": 1.0,
    "tasks": 1,
    "is_restarting": False,
    "storage": Path("/"),
}


def config(**options: Any) -> Config:
    chosen = {"minspace": 1, "max_load_per_cpu": 1000.0, **options}
    return Config(server="http://h", topurls=("http://h",), **chosen)


def test_ready() -> None:
    assert reason_not_ready(Situation(**GOOD), config()) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_restarting": True}, "Pending restart"),
        ({"host": {"enabled": False, "capacity": 2.0}}, "Host is disabled"),
        ({"task_load": 2.5}, "Over capacity: task load 2.50 > 2.00"),
        ({"tasks": 10}, "Full queue: 10 tasks, maxjobs 10"),
        (
            {"storage": Path("/nonexistent")},
            "Free space at /nonexistent is not known: No such file or directory",
        ),
        ({"engine_problem": "The engine is away"}, "The engine is away"),
        ({"sweep_problem": "Not swept"}, "Not swept"),
    ],
)
def test_not_ready(change: dict[str, Any], reason: str) -> None:
    assert reason_not_ready(Situation(**{**GOOD, **change}), config()) == reason


def test_a_load_that_equals_the_capacity_is_none_too_much() -> None:
    assert reason_not_ready(Situation(**{**GOOD, "task_load": 2.0}), config()) == ""


def test_too_little_space() -> None:
    assert reason_not_ready(Situation(**GOOD), config(minspace=1 << 40)).startswith(
        "Insufficient disk space at /: "
    )


def test_a_busy_machine(mocker: Any) -> None:
    mocker.patch("os.getloadavg", return_value=(9.0, 0.0, 0.0))
    mocker.patch("os.sysconf", return_value=2)
    assert reason_not_ready(Situation(**GOOD), config(max_load_per_cpu=4.0)) == "Load average 9.00 > 8.00"
    mocker.patch("os.sysconf", return_value=3)
    assert reason_not_ready(Situation(**GOOD), config(max_load_per_cpu=4.0)) == ""


def test_where_space_is_measured(tmp_path: Path) -> None:
    options = config(workdir="/work")
    assert storage_to_measure(tmp_path, options) == tmp_path
    assert storage_to_measure(tmp_path / "on another machine", options) == Path("/work")
    assert storage_to_measure(None, options) == Path("/work")
