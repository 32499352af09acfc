"""`koji-adjutant status`, on the files of a host with a past: what it shows, and with which exit code."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from koji_adjutant.cli.commands import main
from koji_adjutant.cli.status import JsonLines, look
from koji_adjutant.cli.status_screen import BAR_CELLS, EMPTY, FILLED, bar, screen
from koji_adjutant.journal import public
from koji_adjutant.journal.state import ProcessName
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.views import Outcome, PhaseView, TaskView
from tests.fakes.journals import Sample, write_sample
from tests.fakes.public_facts import host_facts

WHEN = 1_800_000_000.0
DEAD = ProcessName(pid=1, start_time=1, boot_id="another boot")


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return write_sample(tmp_path / "state")


def shown(sample: Sample, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str, str]:
    code = main(["status", "--state-dir", str(sample.state_dir), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def say(sample: Sample, **other: Any) -> None:
    path = public.public_directory(sample.state_dir) / public.HOST
    public.write_facts(path, host_facts(sample.now, **other))


def test_a_host_at_work(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = shown(sample, capsys)
    assert code == 0
    sentence, *rest = out.splitlines()
    assert sentence.startswith("builder-01.example.org takes tasks")
    (running,) = [line for line in rest if line.startswith(f"{sample.running} ")]
    assert "buildArch  kernel-1.0-1.src.rpm, x86_64" in running
    assert "30 min 0 s" in running
    assert FILLED in running
    (failed,) = [line for line in rest if line.startswith(f"{sample.failed} ")]
    assert "broken" in failed
    assert any("2 buildroot images, 481 MiB of 50.0 GiB" in line for line in rest)
    assert any(line.startswith("storage") and "90.0 GiB" in line for line in rest)
    assert "warning: the certificate expires in 20 days" in out
    assert "warning: plugin runroot is not loaded: No module named 'mockbuild'; refused: runroot" in out


def test_why_it_takes_no_tasks(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    say(sample, ready=False, obstacle="space", reason="7 MB are free\x1b[2J")
    code, out, _ = shown(sample, capsys)
    assert code == 1
    assert "too little space where containers are (7 MB are free\\x1b[2J)" in out
    assert "what to do: koji-adjutant buildroots list" in out
    assert "\x1b" not in out


def test_without_a_daemon(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    say(sample, writer=DEAD)
    code, out, _ = shown(sample, capsys)
    assert code == 3
    assert "its daemon does not run" in out
    assert "warning" not in out


def test_where_no_daemon_has_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--state-dir", str(tmp_path / "none")]) == 3
    said = capsys.readouterr()
    assert not said.out
    assert said.err == (
        f"koji-adjutant: no daemon has run with {tmp_path / 'none'}; --state-dir names another\n"
    )


def test_json_has_the_same(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = shown(sample, capsys, "--json")
    assert code == 0
    said = json.loads(out)
    assert said["host"]["ready"] is True
    assert {task["id"] for task in said["running"]} >= {sample.running, sample.adopted}
    assert said["failures"][0]["outcome"] in {"failed", "lost"}
    assert said["cache"]["limit_bytes"] == 50 << 30
    assert len(said["warnings"]) == 2


def test_json_is_written_again_when_something_has_changed(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = JsonLines(is_indented=False)
    registry = Registry(sample.state_dir)
    now = sample.now
    lines.write(look(registry, now))
    lines.write(look(registry, now + 5))
    say(sample, ready=False, obstacle="load", reason="too much")
    lines.write(look(registry, now + 9))
    registry.close()
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["time"], second["time"]) == (now, now + 9)
    assert second["host"]["obstacle"] == "load"


def test_watching_wants_a_terminal(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = shown(sample, capsys, "--watch")
    assert code == 2
    assert "--watch needs a terminal" in err


def test_nothing_of_others_is_obeyed_on_a_terminal(sample: Sample) -> None:
    say(
        sample,
        name="[bold]evil\x1b]0;title\x07",
        plugins_failed=(public.PluginFacts(name="\x9b31m", why="\u202e"),),
    )
    registry = Registry(sample.state_dir)
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=200, highlight=False)
    console.print(screen(look(registry, WHEN)))
    registry.close()
    text = output.getvalue()
    assert "[bold]evil\\x1b]0;title\\x07" in text
    assert "plugin \\x9b31m is not loaded: \\u202e" in text
    assert not set(text) & {"\x07", "\x9b", "\u202e"}


def task(*phases: PhaseView, opened: float | None = WHEN, average: float | None = None) -> TaskView:
    return TaskView(
        id=1,
        method="buildArch",
        label="",
        package="",
        arch="",
        tag="",
        owner="",
        parent=None,
        outcome=Outcome.RUNNING,
        phase=phases[-1].name if phases else "",
        phases=phases,
        created=None,
        opened=opened,
        ended=None,
        average_seconds=average,
    )


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        (task(), 0),
        (task(opened=None), 0),
        (task(PhaseView(name="build", began=WHEN, ended=None), average=100.0), BAR_CELLS // 2),
        (task(PhaseView(name="build", began=WHEN, ended=None), average=10.0), BAR_CELLS),
        (task(PhaseView(name="build", began=WHEN, ended=None)), BAR_CELLS),
        (
            task(
                PhaseView(name="queued", began=WHEN - 500, ended=WHEN),
                PhaseView(name="build", began=WHEN, ended=WHEN + 20),
                PhaseView(name="check", began=WHEN + 20, ended=None),
                average=200.0,
            ),
            BAR_CELLS // 4,
        ),
    ],
)
def test_a_bar_is_as_full_as_the_average_has_passed(one: TaskView, cells: int) -> None:
    assert bar(one, WHEN + 50).plain == FILLED * cells + EMPTY * (BAR_CELLS - cells)
