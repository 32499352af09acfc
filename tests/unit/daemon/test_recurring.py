"""What goes on and on is said a few times, whatever its length."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import koji
import pytest
import requests

from koji_adjutant.daemon import Daemon, Next, main_loop
from koji_adjutant.daemon.main_loop import Troubles
from koji_adjutant.daemon.recurring import LONGEST_SECONDS, Recurring, in_words
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.reader import read_journal

HOUR = 3600.0
STEP = 3.0


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Passes:
    """A daemon whose passes do what they are told."""

    error: Exception | None = None
    asked: list[bool] = field(default_factory=list)
    shown: int = 0
    """How often it was shown that the hub is away."""

    def one_pass(self, *, with_buildroots: bool) -> Next:
        self.asked.append(with_buildroots)
        if self.error:
            raise self.error
        return Next.WAIT

    def hub_failed(self) -> None:
        self.shown += 1


def moments(trouble: Recurring, clock: Clock, seconds: float) -> list[float]:
    """When it is said, of something that is noticed every few seconds."""
    began, said = clock.now, []
    while clock.now < began + seconds:
        if trouble.is_to_be_said("away"):
            said.append(clock.now - began)
        clock.now += STEP
    return said


def test_at_once_and_then_less_and_less() -> None:
    clock = Clock()
    trouble = Recurring(clock)
    said = moments(trouble, clock, HOUR)
    assert said[:4] == [0.0, 15.0, 45.0, 105.0]
    pauses = [after - before for before, after in pairwise(said)]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_SECONDS
    assert len(said) < 20
    assert trouble.how_long() == ", for 1 h 0 min now"
    assert trouble.over() == "1 h 0 min"


def test_each_time_anew() -> None:
    clock = Clock()
    trouble = Recurring(clock)
    assert moments(trouble, clock, HOUR)[1] == 15.0
    trouble.over()
    assert trouble.over() == ""
    assert trouble.how_long() == ""
    assert moments(trouble, clock, 60.0) == [0.0, 15.0, 45.0]


def test_what_is_new_is_said_at_once_and_once() -> None:
    clock = Clock()
    trouble = Recurring(clock)
    kinds = ["refused by <socket at 0x7fab12>", "refused by <socket at 0x1234cd>", "status 500", "reset"]
    assert [trouble.is_to_be_said(kind) for kind in kinds] == [True, False, True, True]
    clock.now += STEP
    assert [trouble.is_to_be_said(kind) for kind in kinds] == [False] * 4


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (754, "12 min 34 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize("error", [requests.ConnectionError("refused"), koji.ServerOffline("maintenance")])
def test_a_hub_that_is_away_for_an_hour(
    error: Exception, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    clock, passes = Clock(), Passes(error=error)
    journal = FileJournal(tmp_path / "journal")
    troubles, daemon = Troubles(journal, clock), cast("Daemon", passes)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    while clock.now < 1000.0 + HOUR:
        assert main_loop.one_pass(daemon, Next.WAIT, troubles, sleep=sleep) is Next.AT_ONCE
    away = [record.getMessage() for record in caplog.records]
    assert len(passes.asked) > 700
    assert 5 < len(away) < 20
    assert away[0] == f"The hub does not answer: {error}"
    assert ", for 3 min " in away[4]
    passes.error = None
    caplog.clear()
    for _ in range(3):
        main_loop.one_pass(daemon, Next.WAIT, troubles, sleep=sleep)
    assert [record.getMessage() for record in caplog.records] == ["The hub answers again, after 1 h 0 min"]
    lost, back = read_journal(tmp_path / "journal")
    assert (lost.name, lost.details) == ("hub-lost", {"reason": str(error), "login": False})
    assert back.name == "hub-back"
    assert HOUR <= back.details["seconds"] < HOUR + 60


def test_passes_that_fail(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    clock, passes = Clock(), Passes(error=OSError("no space left"))
    journal = FileJournal(tmp_path / "journal")
    troubles, daemon = Troubles(journal, clock), cast("Daemon", passes)
    for _ in range(4):
        assert main_loop.one_pass(daemon, Next.WAIT, troubles) is Next.WAIT
        clock.now += 5.0
    passes.error = None
    main_loop.one_pass(daemon, Next.WAIT, troubles)
    messages: list[Any] = [record.getMessage() for record in caplog.records]
    assert messages == [
        "A pass of the main loop failed",
        "A pass of the main loop failed, for 15 s now",
        "The main loop goes on, after 20 s",
    ]
    assert [(event.name, event.details) for event in read_journal(tmp_path / "journal")] == [
        ("main-loop-failed", {"reason": "OSError: no space left"}),
        ("main-loop-back", {"seconds": 20.0}),
    ]
