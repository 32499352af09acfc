"""Sessions that expire, are lost or ended, and calls that go on."""

from contextlib import suppress
from typing import Any

import koji
import pytest
import requests

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub.session import HubSession, log_in_anew, login, open_session
from tests.unit.hub.conftest import ERROR, PAGE, Host, Weather, dropped, refused


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
