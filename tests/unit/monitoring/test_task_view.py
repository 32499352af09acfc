from dataclasses import replace

from koji_adjutant.journal.public import TaskFacts
from koji_adjutant.monitoring.task_view import task_view
from tests.unit.monitoring.test_tasks import NOW, clock, event, history

FACTS = TaskFacts(
    task=5, method="buildArch", label="hello, x86_64", package="hello", parent=3, created=NOW - 120
)


def test_what_a_task_says_of_itself_is_shown_with_what_the_journal_says() -> None:
    record = history([event(100, "opened", method="buildArch", label="old"), event(50, "closed")]).find(5)
    assert record
    view = task_view(record, FACTS, (), clock())
    assert (view.label, view.package, view.parent) == ("hello, x86_64", "hello", 3)
    assert view.waited == 20.0
    assert [(phase.name, phase.ended) for phase in view.phases] == [
        ("queued", NOW - 100),
        ("starting", NOW - 50),
    ]
    assert view.phase == ""


def test_a_task_that_was_made_by_a_clock_that_is_ahead_has_not_waited() -> None:
    record = history([event(100, "opened", method="buildArch")]).find(5)
    assert record
    view = task_view(record, replace(FACTS, created=NOW), (), clock())
    assert view.waited == 0.0
    assert [phase.name for phase in view.phases] == ["starting"]
    assert view.phase == "starting"
