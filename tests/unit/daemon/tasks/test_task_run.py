"""How a task ends, and what the hub is told."""

import errno
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import pytest
from koji.tasks import RefuseTask, ServerExit, ServerRestart, SleepTask

from koji_adjutant.daemon.tasks.task_run import TaskRun, results_of
from koji_adjutant.errors import EngineFailed, EngineTimeout, TaskCanceled, TaskInterrupted
from koji_adjutant.hub.session import HubSession, login, open_session
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import NullJournal, Phase
from koji_adjutant.journal.reader import read_journal
from tests.hubs import Hub


@dataclass
class Handler:
    """Does what a test wants."""

    id: int
    work: Callable[[], Any]
    method: str = "sleep"
    workdir: str = "/nonexistent"

    def run(self) -> Any:
        return self.work()


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host with one open task."""

    hub: Hub
    session: HubSession
    task: int
    id: int

    @property
    def journal(self) -> Path:
        return self.hub.directory / "journal"

    def run(self, work: Callable[[], Any]) -> tuple[Phase, TaskRun]:
        handler = cast("Any", Handler(self.task, work))
        run = TaskRun(handler, self.session, FileJournal(self.journal), self.id)
        return run.run(), run

    def state(self) -> str:
        return str(koji.TASK_STATES[self.hub.admin.getTaskInfo(self.task)["state"]])


@pytest.fixture
def host(hub: Hub) -> Iterator[Host]:
    config = hub.config()
    session = open_session(config)
    login(session, config)
    task = hub.admin.makeTask("sleep", [1])
    assert session.host.openTask(task)
    yield Host(hub=hub, session=session, task=task, id=session.host.getID())
    session.forget()


def failing(error: BaseException) -> Callable[[], Any]:
    def work() -> Any:
        raise error

    return work


def test_a_result(host: Host) -> None:
    assert host.run(lambda: {"rpms": ["a"], "none": None})[0] is Phase.CLOSED
    assert host.state() == "CLOSED"
    assert host.hub.admin.getTaskResult(host.task) == {"rpms": ["a"], "none": None}


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (koji.BuildError("does not build"), 1005, "does not build"),
        (koji.BuildrootError("no root"), 1012, "no root"),
        (Fault(77, "as it came"), 77, "as it came"),
        (koji.ActionNotAllowed("policy says no"), 1004, "policy says no"),
        (koji.RetryError("lost"), 1009, "lost"),
    ],
)
def test_a_failure(host: Host, error: Exception, code: int, text: str) -> None:
    assert host.run(failing(error))[0] is Phase.FAILED
    assert host.state() == "FAILED"
    with pytest.raises((koji.GenericError, Fault)) as caught:
        host.hub.admin.getTaskResult(host.task)
    assert (cast("Any", caught.value).faultCode, text in str(caught.value)) == (code, True)


def test_a_bug_is_reported_with_its_traceback(host: Host) -> None:
    assert host.run(lambda: dict[str, int]()["missing"])[0] is Phase.FAILED
    with pytest.raises(Fault) as caught:
        host.hub.admin.getTaskResult(host.task)
    assert caught.value.faultCode == 1
    assert "Traceback" in caught.value.faultString
    assert "KeyError: 'missing'" in caught.value.faultString


def test_a_refusal_hands_the_task_back(host: Host) -> None:
    assert host.run(failing(RefuseTask("no room")))[0] is Phase.REFUSED
    assert host.state() == "FREE"


@pytest.mark.parametrize(
    ("error", "is_the_engines"),
    [
        (EngineTimeout("engine is away"), True),
        (EngineFailed("it refused"), True),
        (TaskInterrupted("its container was killed"), False),
        (ServerRestart(), False),
    ],
)
def test_what_is_not_the_tasks_fault_frees_it(host: Host, error: Exception, is_the_engines: bool) -> None:
    phase, run = host.run(failing(error))
    assert phase is Phase.FREED
    assert run.engine_failed is is_the_engines
    assert host.state() == "FREE"


def test_a_task_that_is_canceled_reports_nothing(host: Host) -> None:
    host.hub.admin.cancelTask(host.task)
    for work in (
        failing(koji.ActionNotAllowed("upload refused")),
        failing(TaskCanceled("seen by the handler")),
        failing(koji.BuildError("its containers were killed")),
        lambda: "a result",
    ):
        assert host.run(work)[0] is Phase.CANCELED
    assert host.state() == "CANCELED"


def test_a_lost_session_is_the_end(host: Host) -> None:
    assert host.run(failing(koji.AuthLockError("another daemon")))[0] is Phase.CANCELED
    assert host.state() == "OPEN"


def test_a_work_directory_goes_without_a_trace(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other process does it, and no file anywhere says how far it is."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    monkeypatch.setattr("os.fork", failing(AssertionError("forked")))
    workdir = tmp_path / "work"
    handler = SleepTask(host.task, "sleep", [0], host.session, cast("Any", None), workdir=str(workdir))
    (workdir / "rest").mkdir(parents=True)
    before = elsewhere.stat().st_mtime_ns
    assert TaskRun(handler, host.session, NullJournal(), host.id).run() is Phase.CLOSED
    assert not workdir.exists()
    assert elsewhere.stat().st_mtime_ns == before


def test_a_shutdown_is_done_once(host: Host) -> None:
    with pytest.raises(ServerExit):
        host.run(failing(ServerExit()))
    assert host.state() == "CLOSED"


@pytest.mark.parametrize("end", [SystemExit(1), KeyboardInterrupt()])
def test_who_stops_the_process_does_the_rest(host: Host, end: BaseException) -> None:
    with pytest.raises(type(end)):
        host.run(failing(end))
    assert host.state() == "OPEN"


def test_what_hides_the_end_of_the_process_is_no_failure(host: Host, mocker: Any) -> None:
    mocker.patch("koji_adjutant.daemon.tasks.processes._told", [signal.SIGTERM])
    with pytest.raises(SystemExit):
        host.run(failing(OSError(errno.EBADF, "Bad file descriptor")))
    assert host.state() == "OPEN"


def test_a_lost_answer_to_the_report(host: Host, mocker: Any) -> None:
    call = HubSession._callMethod
    lost: list[str] = []

    def lose_one(self: HubSession, name: str, *args: Any) -> Any:
        answer = call(self, name, *args)
        if name == "host.closeTask" and not lost:
            lost.append(name)
            raise koji.RetryError("seen this number")
        return answer

    mocker.patch.object(HubSession, "_callMethod", lose_one)
    assert host.run(lambda: 1)[0] is Phase.CLOSED
    assert lost
    assert host.state() == "CLOSED"
    mocker.stopall()


def test_a_report_that_did_not_arrive_is_made_again(host: Host, mocker: Any) -> None:
    call = HubSession._callMethod
    lost: list[str] = []

    def lose_one(self: HubSession, name: str, *args: Any) -> Any:
        if name == "host.closeTask" and not lost:
            lost.append(name)
            raise koji.RetryError("seen this number")
        return call(self, name, *args)

    mocker.patch.object(HubSession, "_callMethod", lose_one)
    assert host.run(lambda: 1)[0] is Phase.CLOSED
    assert lost
    assert host.state() == "CLOSED"
    mocker.stopall()


@pytest.mark.parametrize(
    ("error", "name", "details"),
    [
        (koji.BuildError("it broke"), "failed", {"fault": 1005, "error": "it broke"}),
        (ValueError("of ours"), "failed", {"fault": 1, "error": "ValueError: of ours"}),
        (RefuseTask("not here"), "refused", {"reason": "refused", "why": "not here", "soft": False}),
        (EngineTimeout("slow"), "freed", {"reason": "engine", "why": "slow", "engine_failed": True}),
        (TaskCanceled("canceled"), "canceled", {"why": "canceled"}),
    ],
    ids=["package", "ours", "refused", "engine", "user"],
)
def test_the_journal_says_how_it_ended(
    host: Host, error: Exception, name: str, details: dict[str, Any]
) -> None:
    def fail() -> None:
        raise error

    host.run(fail)
    (event,) = read_journal(host.journal)
    assert (event.name, event.task, event.details) == (name, host.task, details)


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ({"rpms": ["work/a-1-1.x86_64.rpm"], "srpms": [], "logs": ["l"], "brootid": 3}, ["a-1-1.x86_64.rpm"]),
        ({"srpm": "w/a.src.rpm", "source": {"url": "https://u:secret@h/x"}}, ["a.src.rpm"]),
        (
            ["cli-build/x", ["repomd.xml", "primary.xml.zst"]],
            ["cli-build/x", "repomd.xml", "primary.xml.zst"],
        ),
        ([7, 12], ["7", "12"]),
        ("done", ["done"]),
        (None, []),
    ],
    ids=str,
)
def test_what_came_of_a_task_is_names(result: object, shown: list[str]) -> None:
    assert results_of(result) == shown
