from pathlib import Path

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.public import (
    HostFacts,
    TaskFacts,
    logs_directory,
    public_directory,
    task_facts_file,
    write_facts,
)
from koji_adjutant.journal.state import this_process
from koji_adjutant.monitoring.registry import Registry
from koji_adjutant.monitoring.views import Outcome

KEY = "0e165000"


def record_build(journal: FileJournal, task: int, *, fails: bool = False) -> None:
    """The events of one build with a root of an image."""
    journal.record(Phase.OPENED, task=task, method="buildArch")
    journal.record(Phase.STARTED, task=task, method="buildArch")
    journal.record(Phase.BUILDROOT_RECORD, task=task, buildroot=7)
    journal.record(Phase.SOLVED, task=task, packages=100)
    journal.record(Phase.CONTAINER_CREATED, task=task, container=f"c{task}", role="build")
    journal.record(Phase.IMAGE_READY, task=task, container=f"c{task}", key=KEY, image="sha256:1")
    journal.record(Phase.BUILDROOT_READY, task=task, container=f"c{task}")
    journal.record(Phase.RPMBUILD_STARTED, task=task, command="rpmbuild-bs")
    journal.record(Phase.RPMBUILD_STARTED, task=task, command="rpmbuild-bb")
    if fails:
        journal.record(Phase.FAILED, task=task, fault=1005, error="BuildError: it does not build")
    else:
        journal.record(Phase.UPLOADED, task=task, files=2)
        journal.record(Phase.CLOSED, task=task)
    journal.record(Phase.CONTAINER_REMOVED, task=task, container=f"c{task}")


def test_a_build_is_shown_with_its_phases(registry: Registry, journal: FileJournal) -> None:
    record_build(journal, 5)
    assert registry.refresh()
    task = registry.task(5)
    assert task is not None
    assert (task.outcome, task.phase, task.root, task.buildroot) == (Outcome.CLOSED, "", "hit", 7)
    names = [phase.name for phase in task.phases]
    assert names == ["starting", "repo", "populating", "building", "srpm", "building", "closing"]
    for before, after in zip(task.phases, task.phases[1:], strict=False):
        assert before.ended == after.began
    assert task.phases[-1].ended == task.ended
    (container,) = registry.containers()
    assert (container.id, container.task, container.role, container.state) == ("c5", 5, "build", "removed")


def test_what_a_task_says_of_itself_is_read_again_when_it_changes(
    registry: Registry, journal: FileJournal, state_dir: Path
) -> None:
    journal.record(Phase.OPENED, task=5, method="buildArch")
    registry.refresh()
    bare = registry.task(5)
    assert bare is not None
    assert (bare.label, bare.logs) == ("", ())
    facts = TaskFacts(
        task=5, method="buildArch", label="hello-1.src.rpm", logs=("build.log", "../../../journal")
    )
    logs_directory(state_dir, 5).mkdir()
    (logs_directory(state_dir, 5) / "build.log").write_text("hello")
    write_facts(task_facts_file(state_dir, 5), facts)
    task = registry.task(5)
    assert task is not None
    assert task.label == "hello-1.src.rpm"
    assert [(log.name, log.size) for log in task.logs] == [("build.log", 5)]
    assert registry.log_path(5, "../../../journal") is None
    assert registry.log_path(5, "root.log") is None


def test_a_host_is_as_its_main_process_says_while_that_lives(registry: Registry, state_dir: Path) -> None:
    assert (registry.host().alive, registry.host().obstacle) == (False, "daemon")
    facts = HostFacts(
        writer=this_process(),
        time=0,
        started=0,
        version="1",
        name="b1",
        hub="http://hub",
        worker="w",
        ready=True,
    )
    write_facts(public_directory(state_dir) / "host.json", facts)
    host = registry.host()
    assert (host.alive, host.ready, host.obstacle) == (True, True, "")
    assert host.sentence == "b1 takes tasks; no task runs."


def test_events_are_numbered(registry: Registry, journal: FileJournal) -> None:
    journal.record(HostEvent.READY)
    journal.record(HostEvent.NOT_READY, obstacle="space")
    registry.refresh()
    assert [(event.number, event.name) for event in registry.events(0)] == [(1, "ready"), (2, "not-ready")]
    assert [event.name for event in registry.events(1)] == ["not-ready"]
    assert registry.events(2) == ()
    assert registry.events(99) == ()
