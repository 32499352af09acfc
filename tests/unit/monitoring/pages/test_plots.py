"""Figures of many tasks."""

from hypothesis import given
from hypothesis import strategies as st

from koji_adjutant.monitoring.pages.plots import HEIGHT, WIDTH, plots
from koji_adjutant.monitoring.views import Outcome
from tests.fakes.views import NOW, a_task

TASKS = (
    a_task(1, opened=NOW - 400, ended=NOW - 300, created=NOW - 402, root="hit"),
    a_task(2, opened=NOW - 300, ended=NOW - 200, created=NOW - 310, root="populated"),
    a_task(3, opened=NOW - 200, ended=NOW - 150, created=None, root="deps_hit", outcome=Outcome.FAILED),
    a_task(4, opened=NOW - 9, ended=NOW - 8, created=NOW - 10, method="tagBuild"),
    a_task(5, ended=None, outcome=Outcome.RUNNING),
)


def test_what_the_plots_say() -> None:
    duration, roots, waiting, methods = plots(TASKS)
    assert duration.text == "4 tasks, half of those that closed within 1:40; 1 did not close."
    assert [dot.good for dot in duration.dots] == [True, True, False, True]
    assert roots.text == "67\u00a0% of 3 buildroots came from the cache."
    assert waiting.text == "Half of 3 tasks waited less than 2.0 s, the longest 10 s."
    assert methods.rows[1:] == (("buildArch", "3", "1", "1:40"), ("tagBuild", "1", "0", "1.0 s"))


def test_nothing_is_drawn_of_nothing() -> None:
    assert plots(()) == ()
    assert plots((a_task(ended=None, outcome=Outcome.RUNNING),)) == ()


def test_what_is_not_known_is_not_drawn() -> None:
    _, roots, waiting, _ = plots((a_task(created=None, root=""),))
    assert (roots.text, roots.boxes, roots.across) == ("No task had a buildroot.", (), ())
    assert waiting.text == "It is not known how long tasks waited."


spans = st.floats(min_value=-1e6, max_value=1e8, allow_nan=False)


@given(
    st.lists(
        st.tuples(spans, spans, spans, st.sampled_from(["hit", "populated", ""])), min_size=1, max_size=30
    )
)
def test_everything_lies_within_the_plot(tasks: list[tuple[float, float, float, str]]) -> None:
    """Whatever clocks have said."""
    views = [
        a_task(number, created=created, opened=opened, ended=ended, root=root, method=f"m{number % 9}")
        for number, (created, opened, ended, root) in enumerate(tasks)
    ]
    for plot in plots(views):
        for dot in plot.dots:
            assert 0 <= dot.x <= WIDTH
            assert 0 <= dot.y <= HEIGHT
        for box in plot.boxes:
            assert 0 <= box.x <= box.x + box.width <= WIDTH
            assert -0.2 <= box.y <= box.y + box.height <= HEIGHT
        for mark in plot.across:
            assert 0 <= mark.at <= WIDTH
