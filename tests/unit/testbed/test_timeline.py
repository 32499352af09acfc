"""The journal as a person reads it, and createrepo's commands without the task."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from koji_adjutant.journal import Phase
from koji_adjutant.monitoring.journal import Event
from koji_adjutant.testbed.createrepo_cost import redirected
from koji_adjutant.testbed.tasks import Task
from koji_adjutant.testbed.timeline import timeline

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def event(seconds: float, phase: Phase, task: int | None) -> Event:
    return Event(time=BEGAN + timedelta(seconds=seconds), phase=phase.value, task=task)


def task(number: int, method: str) -> Task:
    return Task(id=number, method=method, state="CLOSED", arch="x86_64", started=1.0, ended=3.5)


def test_each_phase_once_when_it_was_first_reached() -> None:
    events = [
        event(2.5, Phase.CLOSED, 7),
        event(1.0, Phase.OPENED, 7),
        event(1.5, Phase.FIRST_LOG_UPLOADED, 7),
        event(1.7, Phase.FIRST_LOG_UPLOADED, 7),
        event(1.2, Phase.CONTAINER_CREATED, 7),
        event(0.0, Phase.OPENED, 6),
        event(0.1, Phase.IMAGE_MADE, None),
    ]
    assert [line.split(maxsplit=4) for line in timeline(events, [task(7, "buildArch")])] == [
        ["0.00", "s", "buildArch", "7", "task opened"],
        ["0.50", "s", "buildArch", "7", "first log line at the hub"],
        ["1.50", "s", "buildArch", "7", "closed"],
    ]


def test_no_events_no_lines() -> None:
    assert list(timeline([], [task(7, "buildArch")])) == []


def test_seconds_of_a_task() -> None:
    assert task(7, "buildArch").seconds == 2.5


def test_a_command_goes_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "mergerepos.log"
    log.write_text(
        "$ /usr/bin/mergerepo_c --koji -o /work/repo -r file:///work/repo_3_premerge/ -r http://h/x/\nsaid\n"
    )
    assert redirected(log, tmp_path / "out", "file:///mine/") == [
        "/usr/bin/mergerepo_c",
        "--koji",
        "-o",
        str(tmp_path / "out"),
        "-r",
        "file:///mine/",
        "-r",
        "http://h/x/",
    ]
    assert (tmp_path / "out").is_dir()


def test_an_empty_repo_is_made_of_its_output(tmp_path: Path) -> None:
    log = tmp_path / "createrepo.log"
    log.write_text("$ /usr/bin/createrepo_c -vd -o /work/repo -g /top/comps.xml /work/repo\n")
    out = str(tmp_path / "out")
    assert redirected(log, tmp_path / "out", "file:///mine/") == [
        *("/usr/bin/createrepo_c", "-vd", "-o", out, "-g", "/top/comps.xml", out)
    ]
