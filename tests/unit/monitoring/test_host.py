import os
from dataclasses import replace
from pathlib import Path

from koji_adjutant.host.files import boot_id
from koji_adjutant.host.processes import start_time
from koji_adjutant.journal.public import HostFacts
from koji_adjutant.journal.state import ProcessName, this_process
from koji_adjutant.monitoring.clock import Clock
from koji_adjutant.monitoring.host import FRESH_SECONDS, HostWatch
from koji_adjutant.monitoring.public_files import Watched
from koji_adjutant.monitoring.views import HostView
from tests.unit.monitoring.test_tasks import NOW, event

FACTS = HostFacts(
    writer=this_process(),
    time=NOW - 5,
    started=NOW - 500,
    version="1",
    name="b1",
    hub="https://hub",
    worker="w",
    ready=True,
    since=NOW - 65,
)
GONE = ProcessName(pid=2**22 - 1, start_time=1, boot_id=boot_id())


class Host:
    """A host whose facts may change."""

    def __init__(self, tmp_path: Path, facts: HostFacts | None) -> None:
        self.facts = facts
        self.file = tmp_path / "host.json"
        self.clock = Clock(now=lambda: NOW, since=lambda: 1000.0)
        self.watch = HostWatch(Watched(self.file, lambda _: self.facts), self.clock)

    def view(self) -> HostView:
        self.file.unlink(missing_ok=True)
        self.file.write_text("x")
        os.utime(self.file, ns=(0, id(self.facts)))
        return self.watch.view(running=1)


def test_a_host_that_takes_tasks(tmp_path: Path) -> None:
    view = Host(tmp_path, FACTS).view()
    assert (view.alive, view.ready, view.obstacle) == (True, True, "")
    assert view.sentence == "b1 takes tasks, for 1 min 5 s now; 1 task runs."


def test_facts_of_a_process_that_was_seen_and_is_gone_are_old_at_once(tmp_path: Path) -> None:
    host = Host(tmp_path, FACTS)
    assert host.view().alive
    started = start_time(os.getpid())
    assert started
    host.facts = replace(FACTS, writer=replace(FACTS.writer, start_time=started))
    assert host.view().alive
    host.facts = replace(FACTS, writer=GONE, time=NOW - FRESH_SECONDS - 1)
    view = host.view()
    assert (view.alive, view.ready, view.obstacle, view.since) == (False, False, "daemon", host.facts.time)


def test_a_process_that_cannot_be_seen_lives_while_it_writes(tmp_path: Path) -> None:
    """Of another container, or hidden."""
    host = Host(tmp_path, replace(FACTS, writer=GONE))
    assert host.view().alive
    stopped = event(1, "daemon-stopped", None, boot="another", why="stop")
    host.watch.take(stopped, host.clock.moment(stopped))
    assert not host.view().alive


def test_facts_of_another_boot_are_of_no_process(tmp_path: Path) -> None:
    assert not Host(tmp_path, replace(FACTS, writer=replace(GONE, boot_id="before"))).view().alive


def test_a_hub_that_is_away_is_an_obstacle_with_its_reason(tmp_path: Path) -> None:
    host = Host(tmp_path, replace(FACTS, hub_lost_since=NOW - 30))
    lost = event(30, "hub-lost", None, reason="Connection refused")
    host.watch.take(lost, host.clock.moment(lost))
    view = host.view()
    assert (view.ready, view.obstacle, view.reason, view.since) == (
        False,
        "hub",
        "Connection refused",
        NOW - 30,
    )


def test_without_facts_no_daemon_runs(tmp_path: Path) -> None:
    view = Host(tmp_path, None).view()
    assert (view.alive, view.obstacle, view.name) == (False, "daemon", "")
    assert view.sentence.startswith("This host takes no task: its daemon does not run")
