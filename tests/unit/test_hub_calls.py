"""Calls through a hub that is away, a session that ends, a task that was freed; against a hub of the test's own."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, dumps

import koji
import pytest
import requests
from pytest_mock import MockerFixture

from koji_adjutant.config import Config
from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub import HubSession, log_in_anew, login, open_session
from koji_adjutant.hub_claim import HubContact, TaskClaim
from koji_adjutant.hub_outage import NoAnswer
from tests.unit.conftest import Hub

Post = Callable[..., requests.Response]


@dataclass
class Weather:
    """What happens to the next requests, one after the other; None: nothing."""

    post: Post
    coming: list[Callable[[Post, tuple[Any, ...], dict[str, Any]], requests.Response] | None] = field(
        default_factory=list
    )
    count: int = 0

    def __call__(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.count += 1
        event = self.coming.pop(0) if self.coming else None
        return event(self.post, args, kwargs) if event else self.post(*args, **kwargs)


def refused(_post: Post, _args: Any, _kwargs: Any) -> requests.Response:
    raise requests.ConnectTimeout("nobody there")


def dropped(post: Post, args: Any, kwargs: Any) -> requests.Response:
    post(*args, **kwargs).close()
    raise requests.ConnectionError("reset by peer")


def answering(status: int, content: bytes) -> Callable[..., requests.Response]:
    def answer(_post: Post, args: Any, _kwargs: Any) -> requests.Response:
        made = requests.Response()
        made.status_code = status
        made._content = content
        made._content_consumed = True  # type: ignore[attr-defined]
        made.url = args[0]
        return made

    return answer


def fault(code: int, text: str) -> Callable[..., requests.Response]:
    return answering(200, dumps(Fault(code, text)).encode())


PAGE = answering(200, b"<html><body>We are moving</body>")
WHOLE_PAGE = answering(200, b"<html></html>")
HALF = answering(200, b"<?xml version='1.0'?><methodResponse><params><param><value><arr")
EMPTY = answering(200, b"")
NO_VALUE = answering(200, b"<?xml version='1.0'?><methodResponse><params></params></methodResponse>")
ODD = answering(
    200,
    b"<?xml version='1.0'?><methodResponse><params><param><value><int>x</int></value></param></params>"
    b"</methodResponse>",
)
ERROR = answering(500, b"no")
OFFLINE = fault(1014, "server is offline")
DATABASE = fault(1, "<class 'psycopg2.OperationalError'>: server closed the connection unexpectedly")
OUTAGES = (refused, dropped, PAGE, WHOLE_PAGE, HALF, EMPTY, NO_VALUE, ODD, ERROR, OFFLINE, DATABASE)


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host's main session, and the session of its one open task."""

    hub: Hub
    config: Config
    main: HubSession
    session: HubSession
    task: int
    contact: HubContact

    def upload(self) -> None:
        self.session.upload_chunk(koji.pathinfo.taskrelpath(self.task), "build.log", 0, b"hello")

    def state(self) -> str:
        return str(koji.TASK_STATES[self.hub.admin.getTaskInfo(self.task)["state"]])


@pytest.fixture
def host(hub: Hub, tmp_path: Path, mocker: MockerFixture) -> Iterator[Host]:
    mocker.patch("koji_adjutant.hub_outage.FIRST_WAIT", 0.01)
    config = hub.config()
    main = open_session(config)
    login(main, config)
    task = hub.admin.makeTask("sleep", [1])
    assert main.host.openTask(task)
    session = main.subsession()
    contact = HubContact(tmp_path, 5)
    session.claim = TaskClaim(task=task, host=main.host.getID(), contact=contact)
    yield Host(hub=hub, config=config, main=main, session=session, task=task, contact=contact)
    session.forget()
    main.forget()


@pytest.fixture
def weather(host: Host, mocker: MockerFixture) -> Weather:
    made = Weather(post=requests.Session().post)
    mocker.patch("requests.Session.post", made)
    return made


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_call_that_changes_nothing_outlasts_all(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 5
    assert host.session.echo("through") == ["through"]
    assert weather.count > 5


@pytest.mark.parametrize("outage", OUTAGES)
def test_a_result_is_delivered_once(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 3
    response = dumps((None,), methodresponse=True, allow_none=True)
    try:
        host.session.host.closeTask(host.task, response)
    except koji.RetryError:
        assert outage is dropped
    weather.coming.clear()
    assert host.state() == "CLOSED"


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_upload_outlasts_all(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage] * 3
    host.upload()
    found = host.hub.admin.checkUpload(koji.pathinfo.taskrelpath(host.task), "build.log", verify="adler32")
    assert (int(found["size"]), found["hexdigest"]) == (5, f"{zlib.adler32(b'hello'):08x}")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("host.setTaskWeight", (2.0,)),
        ("host.taskSetWait", (None,)),
        ("host.taskWait", ()),
        ("host.taskWaitResults", ([],)),
    ],
)
def test_a_lost_answer_is_asked_for_again(
    host: Host, weather: Weather, method: str, arguments: tuple[Any, ...]
) -> None:
    weather.coming = [dropped, dropped]
    host.session.callMethod(method, host.task, *arguments)


def test_a_task_that_was_opened_is_open(host: Host, weather: Weather) -> None:
    task = host.hub.admin.makeTask("sleep", [1])
    weather.coming = [dropped]
    opened: Any = host.main.host.openTask(task)
    assert (opened["id"], opened["host_id"]) == (task, host.main.host.getID())
    weather.coming = [dropped]
    assert host.main.host.openTask(task) is None


def test_of_one_label_there_is_one_subtask(host: Host, weather: Weather) -> None:
    weather.coming = [dropped]
    made = host.session.host.subtask(method="sleep", arglist=[1], label="one", parent=host.task)
    assert [task["id"] for task in host.hub.admin.getTaskChildren(host.task)] == [made]


@pytest.mark.parametrize("outage", [dropped, refused])
def test_a_call_that_the_hub_does_not_count_is_made_once(host: Host, weather: Weather, outage: Any) -> None:
    weather.coming = [outage]
    with pytest.raises(koji.GenericError, match=r"answer was lost|No such file") as caught:
        host.session.host.moveBuildToScratch(host.task, "missing", [])
    assert isinstance(caught.value, koji.RetryError) is (outage is dropped)
    assert weather.count == (1 if outage is dropped else 2)


def test_what_only_reads_in_one_request_is_repeated(host: Host, weather: Weather) -> None:
    weather.coming = [dropped]
    calls: Any
    with host.session.multicall(strict=True) as calls:
        answers = [calls.getTaskInfo(host.task), calls.echo("x")]
    assert answers[0].result["id"] == host.task
    weather.coming = [dropped]
    with pytest.raises(koji.RetryError), host.session.multicall(strict=True) as calls:
        calls.host.freeTasks([])


def test_one_attempt_gets_an_outage_for_every_kind_of_garbage(host: Host, weather: Weather) -> None:
    for outage in (PAGE, WHOLE_PAGE, HALF, EMPTY, NO_VALUE, ODD, DATABASE):
        weather.coming = [outage]
        with pytest.raises(NoAnswer):
            host.main.call_once("echo", "x")
    assert host.main.call_once("echo", "x") == ["x"]


# Sessions


def end_sessions(host: Host) -> HubSession:
    """What another login of this host does to all its sessions."""
    other = open_session(host.config)
    login(other, host.config, force_lock=True)
    return other


def test_another_session_is_asked_for_and_the_call_goes_on(host: Host) -> None:
    main = end_sessions(host)
    given: list[dict[str, Any]] = []

    def give() -> dict[str, Any]:
        given.append(main.callMethod("subsession"))
        return given[-1]

    host.session.on_session_lost = give
    host.session.host.setTaskWeight(host.task, 2.0)
    host.upload()
    assert len(given) == 1
    assert host.session.session_id == given[0]["session-id"]
    assert host.hub.admin.getTaskInfo(host.task)["weight"] == 2.0
    main.logout()


def test_a_call_that_may_have_been_made_before_is_left_to_who_made_it(host: Host, weather: Weather) -> None:
    main = end_sessions(host)
    host.session.on_session_lost = lambda: main.callMethod("subsession")
    weather.coming = [dropped]
    with pytest.raises(koji.RetryError, match="session ended"):
        host.session.host.closeTask(host.task, "x")
    assert host.state() == "OPEN"
    main.logout()


def test_without_another_session_it_is_over(host: Host) -> None:
    main = end_sessions(host)
    with pytest.raises(koji.AuthError):
        host.session.echo("x")
    host.session.on_session_lost = lambda: None
    with pytest.raises(koji.AuthError):
        host.session.echo("x")
    main.logout()


def test_another_session_is_no_use_for_a_task_that_is_not_ours(host: Host) -> None:
    main = end_sessions(host)
    host.hub.admin.cancelTask(host.task)
    host.session.on_session_lost = lambda: main.callMethod("subsession")
    with pytest.raises(TaskCanceled):
        host.session.echo("x")
    main.logout()


def test_a_renewal_outlasts_an_outage(host: Host, weather: Weather) -> None:
    host.hub.hub.control.age_session(host.session.session_id, 2 * 86400.0)
    weather.coming = [None, ERROR, refused, PAGE]
    host.session.host.setTaskWeight(host.task, 3.0)
    host.upload()
    assert host.hub.admin.getTaskInfo(host.task)["weight"] == 3.0


def test_a_renewal_whose_answer_is_lost_ends_the_session(host: Host, weather: Weather) -> None:
    host.hub.hub.control.age_session(host.session.session_id, 2 * 86400.0)
    # The key is changed, and nobody has the new one.
    weather.coming = [None, dropped]
    host.session.on_session_lost = lambda: host.main.callMethod("subsession")
    host.session.host.setTaskWeight(host.task, 3.0)
    assert host.hub.admin.getTaskInfo(host.task)["weight"] == 3.0


@pytest.fixture
def lasting(host: Host) -> HubSession:
    """The main session, as the daemon has it: it knows its last number, and ends that one."""
    numbers = [host.main.session_id]

    def end_the_last(session: HubSession) -> None:
        with suppress(koji.GenericError):
            session.logout(numbers[-1])
        numbers.append(session.session_id)

    host.main.log_in_anew = lambda: log_in_anew(host.main, host.config, end_the_last)
    return host.main


@pytest.mark.parametrize("call", ["call_once", "callMethod"])
def test_the_main_session_is_had_anew_when_its_renewal_was_lost(
    host: Host, lasting: HubSession, weather: Weather, call: str
) -> None:
    before = lasting.session_id
    host.hub.hub.control.age_session(before, 2 * 86400.0)
    weather.coming = [None, dropped]
    assert getattr(host.main, call)("host.getID") == host.session.claim.host  # type: ignore[union-attr]
    assert host.main.session_id != before


@pytest.mark.parametrize("call", ["call_once", "callMethod"])
def test_the_main_session_is_had_anew_when_somebody_has_ended_it(
    host: Host, lasting: HubSession, call: str
) -> None:
    for _ in range(2):
        before = lasting.session_id
        host.hub.admin.logout(before)
        assert getattr(lasting, call)("host.getID")
        assert lasting.session_id != before


@pytest.mark.parametrize("call", ["call_once", "callMethod"])
def test_what_another_daemon_has_taken_is_not_taken_back(host: Host, lasting: HubSession, call: str) -> None:
    other: Any = end_sessions(host)
    for _ in range(2):
        with pytest.raises(koji.AuthError):
            getattr(lasting, call)("host.getID")
    assert other.host.getID()
    assert len(other.getSessionInfo(user_id=other.getLoggedInUser()["id"])) == 1
    other.logout()


def test_a_renewal_that_never_reached_the_hub_is_tried_again(host: Host, weather: Weather) -> None:
    host.main.log_in_anew = lambda: pytest.fail("it was not lost")
    before = host.main.session_id
    host.main.give_up_early()
    host.hub.hub.control.age_session(before, 2 * 86400.0)
    weather.coming = [None, ERROR, ERROR, ERROR]
    with pytest.raises(requests.HTTPError):
        host.main.call_once("echo", "x")
    weather.coming.clear()
    assert host.main.call_once("echo", "x") == ["x"]
    assert host.main.session_id == before


def test_a_login_that_fails_is_tried_with_the_next_call(
    host: Host, lasting: HubSession, weather: Weather
) -> None:
    lasting.give_up_early()
    host.hub.hub.control.age_session(host.main.session_id, 2 * 86400.0)
    weather.coming = [None, dropped, None, ERROR, ERROR, ERROR, ERROR]
    with pytest.raises(requests.HTTPError):
        host.main.call_once("echo", "x")
    weather.coming.clear()
    assert host.main.call_once("host.getID")


# Tasks


def test_a_task_that_was_freed_for_our_silence_goes_on(host: Host) -> None:
    host.contact.lost()
    host.hub.admin.freeTask(host.task)
    host.upload()
    assert host.state() == "OPEN"
    response = dumps((None,), methodresponse=True, allow_none=True)
    host.hub.admin.freeTask(host.task)
    host.session.host.closeTask(host.task, response)
    assert host.state() == "CLOSED"


def test_a_task_that_somebody_freed_does_not(host: Host, mocker: MockerFixture) -> None:
    mocker.patch("koji_adjutant.hub_claim.RETURN", 0.0)
    host.contact.seen()
    host.hub.admin.freeTask(host.task)
    with pytest.raises(koji.ActionNotAllowed):
        host.upload()
    assert host.state() == "FREE"


def test_a_task_that_another_host_has_does_not(host: Host) -> None:
    host.contact.lost()
    host.hub.hub.accounts.add_host("other", "o-secret-7", arches=("x86_64",))
    host.hub.admin.freeTask(host.task)
    host.hub.admin.assignTask(host.task, "other")
    with pytest.raises(koji.ActionNotAllowed):
        host.upload()
    assert host.hub.admin.getTaskInfo(host.task)["host_id"] != host.session.claim.host  # type: ignore[union-attr]


def test_giving_up_is_no_failure_of_the_task(host: Host, weather: Weather, mocker: MockerFixture) -> None:
    mocker.patch("koji_adjutant.hub_calls.HOUR", 0.0)
    weather.coming = [ERROR] * 9
    with pytest.raises(TaskCanceled, match="not answered echo for too long: 500"):
        host.session.echo("x")
    weather.coming = []


# Files


def test_a_file_that_arrived_otherwise_is_sent_again(
    host: Host, mocker: MockerFixture, tmp_path: Path
) -> None:
    mocker.patch("koji_adjutant.hub.UPLOAD_PAUSE", 0.0)
    file = tmp_path / "a.rpm"
    file.write_bytes(b"content")
    upload = mocker.patch.object(
        koji.ClientSession, "fastUpload", side_effect=[koji.GenericError("wrong checksum"), None]
    )
    host.session.uploadWrapper(str(file), koji.pathinfo.taskrelpath(host.task))
    assert upload.call_count == 2
    upload.side_effect = koji.ActionNotAllowed("not yours")
    with pytest.raises(koji.ActionNotAllowed):
        host.session.uploadWrapper(str(file), koji.pathinfo.taskrelpath(host.task))
    assert upload.call_count == 3
