import pytest

from koji_adjutant.journal.state import Obstacle
from koji_adjutant.monitoring.sentence import ADVICE, DAEMON, HUB, advice_for, duration, host_sentence


def test_every_obstacle_has_words() -> None:
    assert set(ADVICE) == {*(obstacle.value for obstacle in Obstacle), DAEMON, HUB}
    assert all(advice.title and advice.what_to_do for advice in ADVICE.values())
    assert advice_for("of-tomorrow") is ADVICE[Obstacle.UNKNOWN]


@pytest.mark.parametrize(
    ("ready", "obstacle", "reason", "running", "said"),
    [
        (True, "", "", 0, "b1 takes tasks, for 1 min 5 s now; no task runs."),
        (True, "", "", 1, "b1 takes tasks, for 1 min 5 s now; 1 task runs."),
        (
            False,
            "space",
            "at\n/var",
            3,
            (
                "b1 takes no task, for 1 min 5 s now: there is too little space where containers are (at\\n/var); "
                "3 tasks run."
            ),
        ),
        (
            False,
            "daemon",
            "",
            0,
            "b1 takes no task, for 1 min 5 s now: its daemon does not run; no task runs.",
        ),
    ],
)
def test_a_host_in_one_sentence(ready: bool, obstacle: str, reason: str, running: int, said: str) -> None:
    sentence = host_sentence(
        name="b1", ready=ready, obstacle=obstacle, reason=reason, running=running, seconds=65
    )
    assert sentence == said


def test_nothing_is_said_of_a_time_that_nobody_knows() -> None:
    assert host_sentence(name="", ready=True, obstacle="", reason="", running=0, seconds=None) == (
        "This host takes tasks; no task runs."
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (7500, "2 h 5 min"), (100000, "1 d 3 h")],
)
def test_durations_have_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
