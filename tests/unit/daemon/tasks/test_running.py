"""What becomes of task processes, by what they do and by what the hub says."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.daemon.tasks import running as module
from koji_adjutant.daemon.tasks.processes import Child
from koji_adjutant.daemon.tasks.running import RunningTasks
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.daemon.tasks.task_process import TaskProcess
from koji_adjutant.hub.claim import HubContact
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.journal.state import write_task

HOST = 3
OPEN, CANCELED, FREE = (koji.TASK_STATES[name] for name in ("OPEN", "CANCELED", "FREE"))


@dataclass(frozen=True, kw_only=True)
class FakeChild(Child):
    """A process that does what a test says."""

    status: list[int] = field(default_factory=list)
    """What it has ended with, if it has."""
    signals: list[int] = field(default_factory=list)

    def has_ended(self) -> bool:
        return bool(self.status)

    def reap(self) -> int | None:
        return self.status[0]

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)

    def kill(self) -> None:
        self.signals.append(signal.SIGKILL)


@dataclass
class Session:
    """A hub that says what a test wants."""

    infos: dict[int, dict[str, Any]] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    @property
    def host(self) -> "Session":
        return self

    def freeTasks(self, tasks: list[int]) -> None:  # noqa: N802
        self.freed += tasks

    def getTaskInfo(self, tasks: list[int]) -> list[dict[str, Any]]:  # noqa: N802
        return [self.infos[task] for task in tasks]

    def logoutChild(self, session: int) -> None:  # noqa: N802
        self.ended.append(session)


@dataclass(kw_only=True)
class Scene:
    """Tasks that run, and all that is around them."""

    state: StateDirectory
    session: Session = field(default_factory=Session)
    cleaned: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.running = RunningTasks(
            session=cast("Any", self.session),
            journal=FileJournal(self.state.journal),
            state=self.state,
            contact=HubContact(self.state.path, 5.0),
            host_id=HOST,
            workdir=self.state.path / "work",
            clean_up=self.cleaned.append,
        )

    def begin(self, task: int, **known: Any) -> FakeChild:
        child = FakeChild(name=f"task {task}", pid=0, pidfd=-1)
        process = TaskProcess(**{"task": task, "child": child, "session_id": 100 + task, **known})
        self.running.processes[task] = process
        self.state.begin(task, "build", "/w")
        return child

    def events(self) -> list[tuple[str, int | None, Any]]:
        found = read_journal(self.state.journal)
        return [(event.name, event.task, event.details.get("why")) for event in found]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    state = StateDirectory(tmp_path / "state")
    state.lock()
    yield Scene(state=state)
    state.unlock()


def test_one_that_has_ended_in_order_is_collected(scene: Scene) -> None:
    scene.begin(7).status.append(0)
    scene.begin(8)
    scene.state.end(7)
    assert list(scene.running.collect()) == [(7, 0)]
    assert scene.running.processes.keys() == {8}
    assert (scene.cleaned, scene.session.ended, scene.events()) == ([], [], [])


def test_one_that_was_killed_is_cleaned_up_after(scene: Scene) -> None:
    scene.begin(7).status.append(-9)
    assert list(scene.running.collect()) == [(7, -9)]
    assert (scene.cleaned, scene.session.ended, scene.events()) == ([7], [107], [])


def test_the_callers_books_come_before_what_may_fail(scene: Scene) -> None:
    scene.begin(7).status.append(1)
    collected = scene.running.collect()
    assert next(collected) == (7, 1)
    assert not scene.running.processes
    assert scene.cleaned == []


def test_a_signal_finds_nothing_in_the_books_that_was_reaped(scene: Scene, mocker: MockerFixture) -> None:
    """What it ends with would use a pidfd that is closed, and may be another's."""
    scene.begin(7).status.append(0)
    mocker.patch.object(FakeChild, "reap", side_effect=SystemExit)
    with pytest.raises(SystemExit):
        next(scene.running.collect())
    assert not scene.running.processes


def test_one_that_was_adopted_has_its_session_ended(scene: Scene) -> None:
    scene.begin(7, is_adopted=True).status.append(0)
    scene.state.end(7)
    assert list(scene.running.collect()) == [(7, 0)]
    assert scene.session.ended == [107]


def test_what_is_open_and_does_not_run_goes_back(scene: Scene) -> None:
    scene.begin(7)
    assert scene.running.compare([{"id": 7}, {"id": 8}]) == {}
    assert scene.session.freed == [8]
    assert scene.events() == [("freed", 8, "no process of it runs here")]


def test_an_alert_wakes_it_up(scene: Scene) -> None:
    child, other = scene.begin(7), scene.begin(8)
    scene.running.compare([{"id": 7, "alert": True}, {"id": 8, "alert": False}])
    assert (child.signals, other.signals) == ([signal.SIGUSR2], [])


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"state": CANCELED, "host_id": HOST}, "canceled on the hub"),
        ({"state": FREE, "host_id": None}, "freed or given to another host on the hub"),
        ({"state": OPEN, "host_id": HOST + 1}, "freed or given to another host on the hub"),
    ],
)
def test_what_is_not_ours_any_more_is_stopped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, info: dict[str, Any], why: str
) -> None:
    monkeypatch.setattr(module, "take_back", lambda *_: False)
    child = scene.begin(7)
    scene.session.infos[7] = info
    assert scene.running.compare([]) == {}
    assert child.signals == [signal.SIGTERM]
    assert len(scene.running.deadlines()) == 1
    # Once.
    scene.running.compare([])
    assert child.signals == [signal.SIGTERM]
    child.status.append(143)
    list(scene.running.collect())
    assert scene.events() == [("canceled", 7, why)]


def test_one_that_is_about_to_exit_is_left_alone(scene: Scene) -> None:
    child = scene.begin(7)
    state = scene.state.find(7)
    assert state is not None
    write_task(scene.state.path, replace(state, phase=Phase.CLOSED.value))
    scene.session.infos[7] = {"state": koji.TASK_STATES["CLOSED"], "host_id": HOST}
    assert scene.running.compare([]) == {}
    assert child.signals == []


def test_what_was_freed_for_a_silence_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "take_back", lambda *_: True)
    child = scene.begin(7)
    scene.session.infos[7] = {"state": FREE, "host_id": None, "waiting": None, "weight": 1.5}
    assert scene.running.compare([]) == {7: {"id": 7, "waiting": False, "weight": 1.5}}
    assert child.signals == [signal.SIGUSR2]


def test_all_are_ended_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(
        module, "stop_all", lambda children, _grace: stopped.extend(child.name for child in children)
    )
    scene.begin(7)
    scene.begin(8)
    scene.running.stop_all(0.0)
    assert stopped == ["task 7", "task 8"]
    assert not scene.running.processes
