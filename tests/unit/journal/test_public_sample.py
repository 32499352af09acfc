"""The sample that the tests of readers have is one that the daemon's own readers understand."""

from pathlib import Path

from koji_adjutant.journal import public
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.reader import read
from koji_adjutant.journal.state import (
    JOURNAL,
    REPORTED,
    TaskState,
    read_main,
    read_readiness,
    read_task,
    task_file,
)
from tests.fakes.journals import write_sample


def test_every_line_is_an_event_and_nearly_every_name_occurs(tmp_path: Path) -> None:
    write_sample(tmp_path)
    reading = read(tmp_path / JOURNAL)
    assert not reading.skipped
    names = {event.name for event in reading.events}
    rare = {
        HostEvent.EVENTS_LOST,
        HostEvent.MAIN_LOOP_FAILED,
        HostEvent.MAIN_LOOP_BACK,
        HostEvent.IMAGE_REQUESTED,
    }
    assert names == {*Phase, *HostEvent} - rare
    times = [event.time for event in reading.events]
    assert times == sorted(times)


def test_a_task_runs_or_has_ended_or_never_was_one(tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    events = read(tmp_path / JOURNAL).events
    for task in sample.tasks:
        ends = [event.name for event in events if event.task == task and event.name in REPORTED]
        runs = isinstance(state := read_task(task_file(tmp_path, task)), TaskState) and state.is_alive()
        assert len(ends) == (0 if runs else 1), task
        assert public.read_facts(public.TaskFacts, public.task_facts_file(tmp_path, task)) is not None


def test_the_files_say_what_the_host_is(tmp_path: Path) -> None:
    write_sample(tmp_path)
    directory = public.public_directory(tmp_path)
    host = public.read_facts(public.HostFacts, directory / public.HOST)
    assert host is not None
    assert host.writer == read_main(tmp_path)
    assert host.writer.is_alive()
    said = read_readiness(tmp_path)
    assert said is not None
    assert said.not_ready is None
    containers = public.read_facts(public.Containers, directory / public.CONTAINERS)
    assert containers is not None
    assert len({one.worker for one in containers.containers}) == 2
    images = public.read_facts(public.Images, directory / public.IMAGES)
    assert images is not None
    assert images.images
