"""How long a task did what, over boots and restarts."""

import json

import pytest

from koji_adjutant.monitoring.clock import Moment
from koji_adjutant.monitoring.task_runs import TaskRun, seconds_between


@pytest.mark.parametrize(
    ("began", "ended", "seconds"),
    [
        (Moment(100.0, 10.0, "a"), Moment(5.0, 17.5, "a"), 7.5),
        (Moment(100.0, 10.0, "a"), Moment(160.0, 3.0, "b"), 60.0),
        (Moment(100.0, None, "a"), Moment(90.0, 3.0, "a"), 0.0),
        (Moment(100.0, 10.0, "a"), Moment(160.0, 9.0, "a"), 0.0),
    ],
    ids=["the clock was set", "another boot", "of version 1", "backwards"],
)
def test_a_span_is_as_long_as_it_was(began: Moment, ended: Moment, seconds: float) -> None:
    assert seconds_between(began, ended) == seconds


def test_a_run_comes_back_as_it_was() -> None:
    run = TaskRun(method="buildArch", began=Moment(1.5, 2.5, "a"), keeper=7, phase="repo", root="hit")
    run.phase_began, run.left_alone, run.spent["prep"] = Moment(1.0, None, ""), Moment(2.0, 3.0, "a"), 4.0
    assert TaskRun.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_a_phase_that_comes_again_adds_up() -> None:
    run = TaskRun(method="buildArch", began=None, keeper=7)
    for begins, ends in ((1.0, 3.0), (10.0, 15.0)):
        run.phase, run.phase_began = "build", Moment(begins, begins, "a")
        run.leave_phase(Moment(ends, ends, "a"))
    assert run.spent == {"build": 7.0}
