"""Which calls count as the way of a task."""

from benchmarks.modules import Call, passed

CALLS = """\
1 10.0 daemon.poll poll
1 10.1 daemon.recurring due
1 20.0 daemon.poll poll
1 20.1 daemon.manager take
7 20.5 handlers.build.buildarch handler
7 20.6 buildroot.initializer build_container
1 21.0 daemon.manager take
8 21.0 daemon.cleanup.sweeps sweep
7 30.0 journal.file record
"""


def test_the_way_begins_with_the_poll_that_takes_the_task() -> None:
    calls = [Call.from_line(line) for line in CALLS.splitlines()]
    found = passed(calls, main=1, opened=20.2, closed=29.0)
    assert found.main == {"daemon.poll", "daemon.manager"}
    assert found.task == {"handlers.build.buildarch", "buildroot.initializer"}
    *_, last = found.lines()
    assert last == "4 modules: 2 in the main process, 2 in the task's"
