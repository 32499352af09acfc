"""The session with the hub."""

import logging
import socket
import threading
import zlib
from collections.abc import Iterator
from typing import Any
from xmlrpc.client import Fault

import koji
import pytest
import requests
from pytest_mock import MockerFixture

from koji_adjutant.errors import TaskInterrupted
from koji_adjutant.hub.outage import Attempts, Pauses
from koji_adjutant.hub.session import MAX_CHUNK, HubSession, login, open_session
from tests.hubs import PASSWORD, Hub

DAY = 86400.0


@pytest.fixture
def session(hub: Hub) -> Iterator[HubSession]:
    config = hub.config()
    made = open_session(config)
    login(made, config)
    yield made
    made.logout()


def test_login_takes_the_exclusive_lock(session: HubSession) -> None:
    info: Any = session.getSessionInfo()
    assert info["exclusive"]


def test_a_renewed_session_goes_on_counting(hub: Hub, session: HubSession) -> None:
    child = session.subsession()
    for _ in range(3):
        session.echo("before")
        child.echo("before")
    numbers = session.callnum, child.callnum
    for one in (session, child):
        hub.hub.control.age_session(one.session_id, 2 * DAY)
    assert session.host.getHost()["enabled"]
    assert child.echo("after") == ["after"]
    assert session.call_once("echo", "again") == ["again"]
    assert session.callnum is not None
    assert child.callnum is not None
    assert numbers[0] is not None
    assert numbers[1] is not None
    assert session.callnum > numbers[0]
    assert child.callnum > numbers[1]


def test_a_call_in_one_attempt_survives_the_renewal_too(hub: Hub, session: HubSession) -> None:
    hub.hub.control.age_session(session.session_id, 2 * DAY)
    assert session.call_once("echo", "x") == ["x"]
    assert session.call_once("echo", "y") == ["y"]


def test_calls_of_several_threads_are_made_one_by_one(session: HubSession) -> None:
    failures: list[Exception] = []

    def call(number: int) -> None:
        try:
            for turn in range(20):
                assert session.echo(number, turn) == [number, turn]
        except (koji.GenericError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def open_task(hub: Hub, session: HubSession) -> int:
    task: int = hub.admin.makeTask("sleep", [1])
    assert session.host.openTask(task)
    return task


def test_an_upload_is_written_where_it_belongs(hub: Hub, session: HubSession) -> None:
    task = open_task(hub, session)
    path = koji.pathinfo.taskrelpath(task)
    session.upload_chunk(path, "build.log", 0, b"hello ")
    session.upload_chunk(path, "build.log", 6, b"world, again")
    session.upload_chunk(path, "build.log", 11, b"!")
    found = session.callMethod("checkUpload", path, "build.log", verify="adler32")
    assert (int(found["size"]), found["hexdigest"]) == (12, f"{zlib.adler32(b'hello world!'):08x}")


def test_an_upload_has_a_limit(session: HubSession) -> None:
    with pytest.raises(ValueError, match="the limit is 1048576"):
        session.upload_chunk("tasks/1/1", "x", 0, bytes(MAX_CHUNK + 1))


def test_a_damaged_upload_is_noticed(session: HubSession, mocker: Any) -> None:
    mocker.patch.object(HubSession, "_callMethod", return_value={"size": 2, "hexdigest": "00000000"})
    with pytest.raises(koji.GenericError, match="upload of tasks/1/1/x at 0"):
        session.upload_chunk("tasks/1/1", "x", 0, b"hi")
    mocker.stopall()


def test_a_file_that_is_held_is_tried_again(session: HubSession, mocker: Any) -> None:
    session.pauses = Pauses(lock=0.01)
    digest = f"{zlib.adler32(b'hi'):08x}"
    answers = [koji.LockError("held"), koji.LockError("held"), {"size": 2, "hexdigest": digest}]
    calls = mocker.patch.object(HubSession, "_callMethod", side_effect=answers)
    session.upload_chunk("tasks/1/1", "x", 0, b"hi")
    assert calls.call_count == 3
    mocker.stopall()


FULL = Fault(1, "<class 'OSError'>: [Errno 28] No space left on device")


def test_a_file_for_which_the_hub_has_no_room_is_sent_again(
    session: HubSession, mocker: MockerFixture
) -> None:
    wait = mocker.patch.object(Attempts, "wait", return_value=True)
    sent = mocker.patch.object(koji.ClientSession, "fastUpload", side_effect=[FULL, FULL, None])
    session.fastUpload("/results/x.rpm", "tasks/1/1")
    assert (sent.call_count, wait.call_count) == (3, 2)
    sent.side_effect = Fault(1, "<class 'KeyError'>: 'x'")
    with pytest.raises(Fault, match="KeyError"):
        session.fastUpload("/results/x.rpm", "tasks/1/1")


def test_a_hub_that_has_no_room_for_an_hour_is_no_fault_of_the_task(
    session: HubSession, mocker: MockerFixture
) -> None:
    mocker.patch.object(Attempts, "wait", side_effect=[True, False])
    with pytest.raises(
        TaskInterrupted, match=r"the hub has no room for x\.rpm: .*No space.*; make room on the hub"
    ):
        session.with_room("x.rpm", mocker.Mock(side_effect=FULL))


def test_a_lost_answer_is_asked_for_again_only_if_nothing_changes(hub: Hub, session: HubSession) -> None:
    task = open_task(hub, session)
    assert session.callnum is not None
    seen = session.callnum - 1
    # A number that the hub has seen: it did what was asked, and the answer was lost.
    session.callnum = seen
    assert session.echo("again") == ["again"]
    session.callnum = seen
    with pytest.raises(koji.RetryError):
        session.host.freeTasks([task])
    session.callnum = seen + 2


def test_one_attempt_is_one_attempt(hub: Hub, session: HubSession) -> None:
    hub.hub.stop()
    with pytest.raises(requests.ConnectionError):
        session.call_once("echo", "x")
    session.forget()
    hub.admin.setSession(None)


def test_nothing_secret_is_logged(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = hub.config(debug_xmlrpc=True, debug=True)
    session = open_session(config)
    login(session, config)
    child = session.subsession()
    hub.hub.control.age_session(session.session_id, 2 * DAY)
    assert session.echo("shown in the log") == ["shown in the log"]
    assert "shown in the log" in caplog.text
    assert session.sinfo
    assert child.sinfo
    for secret in (PASSWORD, session.sinfo["session-key"], child.sinfo["session-key"]):
        assert secret not in caplog.text
        assert secret not in repr(session)
    session.logout()


def test_who_gives_up_early_has_patient_children(hub: Hub) -> None:
    config = hub.config(max_retries=7, timeout=1000)
    session = open_session(config)
    login(session, config)
    session.give_up_early()
    assert (session.opts["max_retries"], session.opts["timeout"], session.opts["offline_retry"]) == (
        1,
        60,
        False,
    )
    child = session.subsession()
    assert (child.opts["max_retries"], child.opts["timeout"], child.opts["offline_retry"]) == (7, 1000, True)
    hub.hub.control.go_offline()
    with pytest.raises(koji.ServerOffline):
        session.echo("x")
    hub.hub.control.go_online()
    assert session.echo("x") == ["x"]
    session.logout()


def test_a_connection_notices_that_the_other_end_is_gone(session: HubSession) -> None:
    session.echo("x")
    connections: Any = session.rsession
    pools = connections.get_adapter(session.baseurl).poolmanager.pools
    (key,) = pools.keys()
    pool = pools[key]
    connection = pool.pool.get(timeout=1)
    try:
        assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        pool.pool.put(connection)


def test_ipv6(mocker: Any) -> None:
    post = mocker.patch("requests.Session.post", side_effect=requests.ConnectionError("none there"))
    session = HubSession("http://[::1]:8080/kojihub", {"max_retries": 0})
    with pytest.raises(requests.ConnectionError):
        session.call_once("echo")
    assert post.call_args.args[0] == "http://[::1]:8080/kojihub"


def test_proxies_of_the_environment(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    session = HubSession(hub.hub.url, {"max_retries": 0})
    with pytest.raises(requests.exceptions.ProxyError):
        session.call_once("echo")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert session.call_once("echo", 1) == [1]
