"""The tool container: how it is run, and what is noticed of its output."""

import re
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, LogSink
from koji_adjutant.journal.phases import Phase
from koji_adjutant.task_adapters.tool import DENIED, LineWatch, run_tool
from tests.unit.task_adapters.build_task import Events, quiet_context
from tests.unit.task_adapters.conftest import Log
from tests.unit.task_adapters.host_engine import HostEngine

SPEC = ContainerSpec(image="tools:1", command=("/bin/tool", "a b"), labels={})


def test_the_log_begins_with_the_command_and_the_journal_has_its_end(tmp_path: Path, log: Log) -> None:
    class Tool(HostEngine):
        def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
            sink.write("stderr", b"x: Permission denied\n")
            return 3

    ctx = quiet_context(tmp_path)
    code, watch = run_tool(ctx, Tool(), SPEC, log, DENIED)  # type: ignore[arg-type]
    assert (code, watch.line(DENIED)) == (3, "x: Permission denied")
    assert log.data == b"$ /bin/tool 'a b'\nx: Permission denied\n"
    assert isinstance(ctx.journal, Events)
    assert [phase for phase, _ in ctx.journal.phases] == [Phase.COMMAND_STARTED, Phase.COMMAND_ENDED]


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_line_is_noticed_however_it_comes(size: int) -> None:
    pattern, other = re.compile(rb"two \d"), re.compile(rb"four")
    watch = LineWatch(pattern, other)
    text = b"one\nand two 2\nthen two 3\n"
    for start in range(0, len(text), size):
        watch.write("stdout", text[start : start + size])
    assert watch.line(pattern).startswith("and two 2")
    assert watch.line(other) == ""
