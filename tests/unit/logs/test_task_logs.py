"""Logs of a task: on disk, on the hub, and what happens when the hub does not want them."""

import dataclasses
import itertools
import re
import threading
from pathlib import Path

import koji
import pytest

from koji_adjutant.errors import BuildFailed, TaskCanceled
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.logs.upload import CHUNK
from koji_adjutant.task_adapters.base import TaskContext
from tests.unit.logs.hub_files import HubFiles
from tests.waiting import PATIENCE


def test_logs_arrive_while_they_grow(ctx: TaskContext, hub: HubFiles) -> None:
    with TaskLogs(ctx) as logs:
        logs.sink("build.log").line("first")
        assert hub.received.wait(PATIENCE)
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


def test_a_failing_task_still_delivers_its_logs(ctx: TaskContext, hub: HubFiles) -> None:
    with pytest.raises(BuildFailed, match="no"), TaskLogs(ctx) as logs:
        logs.sink("build.log").line("last words")
        raise BuildFailed("no")
    assert hub.files["build.log"] == b"last words\n"


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
    seconds = iter((1000.1, 1000.9, 1001.0))
    with TaskLogs(ctx, clock=lambda: next(seconds)) as logs:
        logs.sink("build.log").line("one")
        logs.sink("build.log").line("more in the same second")
        logs.sink("build.log").line("two")
        assert logs.names == ("build.log", "build.log-ts.log")
    stamps = [line.split() for line in hub.files["build.log-ts.log"].decode().splitlines()]
    assert stamps == [["1000", "0"], ["1001", "28"]]


def test_threads_write_whole_pieces_and_one_limit(ctx: TaskContext, hub: HubFiles) -> None:
    limit = 200_000
    small = dataclasses.replace(ctx, config=dataclasses.replace(ctx.config, log_size_limit=limit))
    refused: list[str] = []
    ready = threading.Barrier(8)

    def write(number: int) -> None:
        ready.wait()
        try:
            for count in itertools.count():
                name = ("root.log", "build.log", f"own-{number}-{count % 7}.log")[count % 3]
                logs.sink(name).line(f"{number}-{count}-" + chr(ord("a") + number) * 30)
        except BuildFailed as error:
            refused.append(str(error))

    with TaskLogs(small) as logs:
        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(refused) == 8
    found = {path.name: path.read_bytes() for path in (ctx.workdir / "logs").iterdir()}
    written = {name: content for name, content in found.items() if content}
    assert sum(map(len, written.values())) == limit
    assert {name: bytes(content) for name, content in hub.files.items()} == written
    whole = re.compile(rb"(\d)-\d+-([a-h])\2{29}")
    lines = [line for content in written.values() for line in content.split(b"\n")[:-1]]
    assert [line for line in lines if not whole.fullmatch(line)] == []
    container_log = Path(small.config.topdir, "logs", "5", "container.log").read_bytes()
    assert len(container_log) == limit
    # What came last is cut off where the limit is.
    assert sorted(container_log.split(b"\n")) == sorted([*lines, container_log.rpartition(b"\n")[2]])
