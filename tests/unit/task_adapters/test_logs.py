"""Logs of a task: on disk, on the hub, and what happens when the hub does not want them."""

import dataclasses
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildFailed, TaskCanceled
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.log_upload import CHUNK
from koji_adjutant.task_adapters.logs import TaskLogs
from tests.fakes.multicall import Multicall


class HubFiles:
    """The uploads of a task as the hub keeps them: truncated at each offset."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.uploads: list[tuple[str, int, int]] = []
        self.waited_for: list[str] = []
        self.refusal: Exception | None = None
        self.received = threading.Event()
        self.requests = 0
        self.checks = 0

    def on_upload(self) -> None:
        """For tests to do something while a piece arrives."""

    def with_room(self, what: str, call: Callable[[], None]) -> None:
        self.waited_for.append(what)
        call()

    def multicall(self, *, strict: bool) -> Multicall:
        assert strict
        self.requests += 1
        return Multicall(self)

    def upload_chunk(self, path: str, name: str, offset: int, data: bytes) -> None:
        if self.refusal:
            raise self.refusal
        assert path == "tasks/5/5"
        self.uploads.append((name, offset, len(data)))
        content = self.files.setdefault(name, bytearray())
        content[offset:] = data
        self.on_upload()
        self.received.set()

    def checkUpload(self, path: str, name: str, verify: str) -> dict[str, Any]:  # noqa: N802 - the hub's name
        assert (path, verify) == ("tasks/5/5", "adler32")
        self.checks += 1
        content = bytes(self.files[name])
        return {"size": len(content), "mtime": 0.0, "hexdigest": f"{zlib.adler32(content):08x}"}


@pytest.fixture
def hub() -> HubFiles:
    return HubFiles()


@pytest.fixture
def ctx(tmp_path: Path, hub: HubFiles) -> TaskContext:
    config = Config(
        server="http://127.0.0.1/kojihub",
        topurls=("http://127.0.0.1/kojifiles",),
        topdir=str(tmp_path / "topdir"),
        state_dir=tmp_path / "state",
        log_size_limit=3 * CHUNK,
    )
    return TaskContext(
        task_id=5,
        parameters={},
        session=cast("Any", hub),
        workdir=tmp_path / "work",
        config=config,
        worker="w",
    )


def test_logs_arrive_while_they_grow(ctx: TaskContext, hub: HubFiles) -> None:
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("first")
        assert hub.received.wait(1.0)
        assert hub.files["build.log"] == b"first\n"


def test_everything_is_there_at_the_end(ctx: TaskContext, hub: HubFiles) -> None:
    data = bytes(range(256)) * 8192
    with TaskLogs(ctx) as logs:
        for start in range(0, len(data), 10007):
            logs.sink("build.log").write("stdout", data[start : start + 10007])
        logs.sink("root.log").line("one line")
        logs.sink("empty.log")
        assert logs.names == ("build.log", "root.log")
    assert hub.files == {"build.log": data, "root.log": b"one line\n"}
    assert max(size for _, _, size in hub.uploads) <= CHUNK


def test_what_the_hub_lost_is_sent_again(ctx: TaskContext, hub: HubFiles) -> None:
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("whole")
        assert hub.received.wait(1.0)
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
    mocker.patch("koji_adjutant.task_adapters.log_upload.GATHER", 0.05)
    with TaskLogs(ctx) as logs:
        sink = logs.sink("build.log")
        sink.line("begin")

        def grow() -> None:
            # For every piece that is sent, a line is written.
            if len(hub.uploads) < 100:
                sink.line("and more")

        mocker.patch.object(hub, "on_upload", grow)
        time.sleep(0.4)
    assert 1 < len(hub.uploads) < 12


def test_a_failing_task_still_delivers_its_logs(ctx: TaskContext, hub: HubFiles) -> None:
    with pytest.raises(BuildFailed, match="no"), TaskLogs(ctx) as logs:
        logs.sink("build.log").line("last words")
        raise BuildFailed("no")
    assert hub.files["build.log"] == b"last words\n"


def test_what_is_written_while_the_hub_is_away_arrives(
    ctx: TaskContext, hub: HubFiles, mocker: MockerFixture
) -> None:
    """The session waits for the hub, in the thread that uploads; the work goes on."""
    away, back = threading.Event(), threading.Event()

    def on_upload() -> None:
        away.set()
        assert back.wait(10.0)

    mocker.patch.object(hub, "on_upload", on_upload)
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("0")
        assert away.wait(2.0)
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
    ctx: TaskContext, hub: HubFiles, mocker: MockerFixture, problem: Exception
) -> None:
    mocker.patch("koji_adjutant.task_adapters.log_upload.GATHER", 0.01)
    mocker.patch("koji_adjutant.task_adapters.log_upload.PAUSE", 0.01)
    hub.refusal = problem
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("before")
        time.sleep(0.1)
        logs.sink("build.log").line("after")
        hub.refusal = None
    assert hub.files["build.log"] == b"before\nafter\n"
    hub.refusal = problem
    with pytest.raises(type(problem)), TaskLogs(ctx) as logs:
        logs.sink("root.log").line("not taken to the end")
    with pytest.raises(BuildFailed, match="the package's"), TaskLogs(ctx) as logs:
        logs.sink("root.log").line("not taken to the end")
        raise BuildFailed("the package's own fault")


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
        back.wait(10.0)

    mocker.patch.object(hub, "on_upload", on_upload)
    with pytest.raises(SystemExit), TaskLogs(ctx) as logs:
        logs.sink("build.log").line("on its way")
        assert away.wait(2.0)
        began = time.monotonic()
        raise SystemExit
    assert time.monotonic() - began < 1.0
    back.set()


def test_refused_uploads_are_a_canceled_task(ctx: TaskContext, hub: HubFiles) -> None:
    hub.refusal = koji.ActionNotAllowed("host 1 does not own task 5")
    lost = threading.Event()
    with pytest.raises(TaskCanceled), TaskLogs(ctx, on_lost=lost.set) as logs:
        logs.sink("build.log").line("nobody wants this")
        assert lost.wait(2.0)
        logs.sink("build.log").line("nor this")
    assert not hub.files


def test_the_limit_keeps_what_came_before_whole(ctx: TaskContext, hub: HubFiles) -> None:
    with pytest.raises(BuildFailed, match="log_size_limit"), TaskLogs(ctx) as logs:
        for _ in range(7):
            logs.sink("build.log").write("stdout", b"x" * (CHUNK // 2))
    assert len(hub.files["build.log"]) == 3 * CHUNK


def test_container_log_has_everything_in_order(ctx: TaskContext) -> None:
    with TaskLogs(ctx) as logs:
        logs.heading("unpack")
        logs.sink("root.log").line("a")
        logs.sink("build.log").line("b")
    text = (Path(ctx.config.topdir) / "logs" / "5" / "container.log").read_text()
    assert text.splitlines()[0].endswith("+00:00 unpack")
    assert text.splitlines()[1:] == ["a", "b"]


def test_without_a_writable_topdir_container_log_is_below_the_state_directory(ctx: TaskContext) -> None:
    Path(ctx.config.topdir).write_text("in the way")
    with TaskLogs(ctx) as logs:
        logs.sink("root.log").line("a")
    assert (ctx.config.state_dir / "logs" / "5" / "container.log").read_text() == "a\n"


def test_timestamps_say_where_in_the_log_a_second_begins(ctx: TaskContext, hub: HubFiles) -> None:
    ctx = dataclasses.replace(ctx, config=dataclasses.replace(ctx.config, log_timestamps=True))
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("one")
        time.sleep(1.1)
        logs.sink("build.log").line("two")
        assert logs.names == ("build.log", "build.log-ts.log")
    stamps = [line.split() for line in hub.files["build.log-ts.log"].decode().splitlines()]
    assert [offset for _, offset in stamps] == ["0", "4"]
    assert int(stamps[0][0]) < int(stamps[1][0])
