"""Logs on their way to the hub: in which pieces, compared, and through its bad days."""

import threading
import time
from xmlrpc.client import Fault

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.errors import BuildFailed, TaskCanceled
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.task_adapters.base import TaskContext
from tests.unit.logs.hub_files import HubFiles
from tests.waiting import PATIENCE, eventually


def test_what_the_hub_lost_is_sent_again(ctx: TaskContext, hub: HubFiles) -> None:
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("whole")
        assert hub.received.wait(PATIENCE)
        hub.files["build.log"][:2] = b"\0\0"
    assert hub.files["build.log"] == b"whole\n"


def test_all_logs_are_compared_in_one_request(ctx: TaskContext, hub: HubFiles) -> None:
    with TaskLogs(ctx) as logs:
        for name in ("root.log", "build.log", "state.log"):
            logs.sink(name).line("a line")
    assert hub.checks == 3
    assert hub.requests == 1


def test_a_log_that_grows_as_fast_as_it_is_sent_is_sent_in_few_pieces(
    ctx: TaskContext, hub: HubFiles, mocker: MockerFixture
) -> None:
    with TaskLogs(ctx, gather=0.05) as logs:
        sink = logs.sink("build.log")
        sink.line("begin")

        def grow() -> None:
            # For every piece that is sent, a line is written.
            if len(hub.uploads) < 100:
                sink.line("and more")

        mocker.patch.object(hub, "on_upload", grow)
        began = time.monotonic()
        eventually(lambda: len(hub.uploads) > 3, "some pieces are sent")
        pieces, seconds = len(hub.uploads), time.monotonic() - began
    # One piece each time that is waited for more, not one for every line.
    assert pieces <= seconds / 0.05 + 2


def test_what_is_written_while_the_hub_is_away_arrives(
    ctx: TaskContext, hub: HubFiles, mocker: MockerFixture
) -> None:
    """The session waits for the hub, in the thread that uploads; the work goes on."""
    away, back = threading.Event(), threading.Event()

    def on_upload() -> None:
        away.set()
        assert back.wait(PATIENCE)

    mocker.patch.object(hub, "on_upload", on_upload)
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("0")
        assert away.wait(PATIENCE)
        for number in range(1, 20_000):
            logs.sink("build.log").line(str(number))
        assert hub.files["build.log"] == b"0\n"
        back.set()
    assert hub.files["build.log"].split() == [str(number).encode() for number in range(20_000)]


@pytest.mark.parametrize(
    "problem",
    [Fault(1, "OSError: No space left on device"), koji.GenericError("upload failed"), OSError("x")],
)
def test_a_hub_that_cannot_take_logs_does_not_end_the_work(
    ctx: TaskContext, hub: HubFiles, problem: Exception
) -> None:
    hub.refusal = problem
    with TaskLogs(ctx, gather=0.01, pause=0.01) as logs:
        logs.sink("build.log").line("before")
        assert hub.refused.wait(PATIENCE)
        logs.sink("build.log").line("after")
        hub.refusal = None
    assert hub.files["build.log"] == b"before\nafter\n"
    hub.refusal = problem
    with pytest.raises(type(problem)), TaskLogs(ctx) as logs:
        logs.sink("root.log").line("not taken to the end")
    with pytest.raises(BuildFailed, match="the package's"), TaskLogs(ctx) as logs:
        logs.sink("root.log").line("not taken to the end")
        raise BuildFailed("the package's own fault")


def test_nothing_is_sent_any_more_when_the_last_of_it_was_refused(ctx: TaskContext, hub: HubFiles) -> None:
    hub.refusal = koji.GenericError("upload failed")
    others = set(threading.enumerate())
    with pytest.raises(koji.GenericError), TaskLogs(ctx) as logs:
        logs.sink("root.log").line("not taken to the end")
        (uploader,) = set(threading.enumerate()) - others
    assert not uploader.is_alive()


def test_a_hub_that_was_away_for_too_long_is_a_task_that_is_lost(ctx: TaskContext, hub: HubFiles) -> None:
    hub.refusal = TaskCanceled("the hub has not answered rawUpload for too long")
    lost = threading.Event()
    with pytest.raises(TaskCanceled), TaskLogs(ctx, on_lost=lost.set) as logs:
        logs.sink("build.log").line("nobody hears this")
        assert lost.wait(2.0)
        logs.check()


def test_a_process_that_is_to_end_does_not_wait_for_an_upload(
    ctx: TaskContext, hub: HubFiles, mocker: MockerFixture
) -> None:
    away, back = threading.Event(), threading.Event()

    def on_upload() -> None:
        away.set()
        back.wait(PATIENCE)

    mocker.patch.object(hub, "on_upload", on_upload)
    with pytest.raises(SystemExit), TaskLogs(ctx) as logs:
        logs.sink("build.log").line("on its way")
        assert away.wait(PATIENCE)
        began = time.monotonic()
        raise SystemExit
    assert time.monotonic() - began < PATIENCE / 2
    back.set()
