"""Phases as shares of a width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.monitoring.pages.bars import LEAST, WIDTH, meter, phase_bar, phase_names, timeline
from koji_adjutant.monitoring.views import Outcome, PhaseView
from tests.fakes.views import NOW, a_task, phases


def test_a_bar_is_as_long_as_the_average() -> None:
    bar = phase_bar(a_task(), NOW)
    assert [span.name for span in bar.spans] == ["starting", "populating", "build", "uploading"]
    assert bar.average_x == WIDTH
    assert (bar.elapsed, bar.average) == (60.0, 80.0)
    last = bar.spans[-1]
    assert last.x + last.width == pytest.approx(WIDTH * 60 / 80, abs=0.2)


def test_a_task_that_takes_longer_passes_the_mark_of_the_average() -> None:
    bar = phase_bar(a_task(average_seconds=30.0), NOW)
    assert bar.average_x == WIDTH / 2
    assert bar.spans[-1].x + bar.spans[-1].width == pytest.approx(WIDTH, abs=0.2)


def test_a_phase_that_lasts_grows() -> None:
    lasting = (PhaseView(name="build", began=NOW - 20, ended=None),)
    task = a_task(outcome=Outcome.RUNNING, phases=lasting, opened=NOW - 20, ended=None, average_seconds=None)
    (span,) = phase_bar(task, NOW + 20).spans
    assert (span.seconds, span.width, span.running) == (40.0, WIDTH, True)


def test_a_timeline_begins_on_the_hub() -> None:
    spans = timeline(a_task(), NOW)
    assert (spans[0].name, spans[0].x, spans[0].seconds) == ("queued", 0.0, 4.0)
    assert timeline(a_task(phases=()), NOW) == ()


def test_a_task_that_was_never_opened_has_an_empty_bar() -> None:
    bar = phase_bar(a_task(opened=None, ended=None, phases=()), NOW)
    assert (bar.spans, bar.elapsed, bar.text) == ((), 0.0, "no phase yet")


times = st.floats(min_value=-1e9, max_value=2e9, allow_nan=False)


@given(
    st.lists(st.tuples(times, st.none() | times), max_size=8),
    times,
    st.none() | times,
    st.none() | st.floats(0, 1e7),
)
def test_spans_stay_within_the_bar(
    spans: list[tuple[float, float | None]], opened: float, ended: float | None, average: float | None
) -> None:
    """Whatever clocks have said."""
    of = tuple(PhaseView(name="build", began=began, ended=end) for began, end in spans)
    task = a_task(phases=of, opened=opened, ended=ended, average_seconds=average)
    for span in (*phase_bar(task, NOW).spans, *timeline(task, NOW)):
        assert 0 <= span.x <= WIDTH - LEAST
        assert 0 < span.width <= WIDTH


def test_meters() -> None:
    assert meter(25, 100) == WIDTH / 4
    assert meter(200, 100) == WIDTH
    assert meter(5, None) is None
    assert meter(5, 0) is None


def test_each_phase_is_named_once() -> None:
    tasks = (a_task(phases=phases(0, check=1, build=2)), a_task(phases=phases(0, repo=1, check=2, later=1)))
    assert phase_names(tasks) == ("repo", "build", "check", "later")
