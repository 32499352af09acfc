"""The hub's contract with a builder, rule by rule: one suite for the embedded hub and for a real one (`--hub URL`).

Each test makes what it needs under names of its own (`World`) and moves records back in time instead of waiting.
"""

from __future__ import annotations

import http.client
import urllib.parse
from typing import TYPE_CHECKING, Any
from xmlrpc.client import Fault, dumps, loads

import koji
import pytest

if TYPE_CHECKING:
    from tests.contract.hub_fixtures import Builder, HubUnderTest, Session, World

DAY = 24 * 3600


@pytest.fixture
def builder(world: World) -> Builder:
    return world.builder()


# --- Sessions


def test_login_gives_id_key_and_header_auth(world: World) -> None:
    user = world.user()
    session = world.login(user)
    assert set(session.sinfo) == {"session-id", "session-key", "header-auth"}
    assert session.sinfo["header-auth"] is True
    assert session.getLoggedInUser()["name"] == user


@pytest.mark.parametrize(("known", "password"), [(True, "wrong"), (True, ""), (False, "x")])
def test_login_with_wrong_credentials_is_an_autherror(world: World, known: bool, password: str) -> None:
    name = world.user() if known else world.name("nobody")
    with pytest.raises(koji.AuthError, match="invalid username or password"):
        world.login(name, password)


def test_wrong_session_key_is_an_autherror(world: World) -> None:
    session = world.login(world.user())
    forged = world.twin(session, **{"session-key": "0-forged"})
    with pytest.raises(koji.AuthError, match="Invalid session or bad credentials"):
        forged.echo(1)


def test_session_is_bound_to_the_clients_address(world: World) -> None:
    session = world.login(world.user())
    elsewhere = raw_call(world.hub, session, "getLoggedInUser", source="127.0.0.2")
    assert isinstance(elsewhere, Fault)
    assert elsewhere.faultCode == koji.AuthError.faultCode
    assert raw_call(world.hub, session, "getLoggedInUser")["name"] == session.opts["user"]


def test_logout_ends_the_session_and_its_subsessions(world: World) -> None:
    session = world.login(world.user())
    child, twin = world.child(session), world.twin(session)
    assert child.echo("x") == ["x"]
    session.logout()
    for dead in (child, twin):
        with pytest.raises(koji.AuthError, match="Invalid session"):
            dead.echo("x")


def test_logout_child_ends_only_that_subsession(world: World) -> None:
    session = world.login(world.user())
    first, second = world.child(session), world.child(session)
    session.logoutChild(first.sinfo["session-id"])
    with pytest.raises(koji.AuthError, match="Invalid session"):
        first.echo("x")
    assert second.echo("x") == ["x"]
    assert session.echo("x") == ["x"]


def test_nobody_else_may_log_out_a_session(world: World) -> None:
    mine, other = world.login(world.user()), world.login(world.user())
    with pytest.raises(koji.GenericError):
        other.logout(mine.sinfo["session-id"])
    assert mine.echo("x") == ["x"]


def test_calls_that_need_a_login(world: World) -> None:
    anonymous = world.anonymous()
    with pytest.raises(koji.AuthError, match="Not logged-in"):
        anonymous.host.getID()
    assert anonymous.getLoggedInUser() is None
    with pytest.raises(koji.ActionNotAllowed):
        anonymous.makeTask("sleep", [0])


def test_host_calls_need_the_exclusive_session(world: World) -> None:
    name, host_id = world.host()
    session = world.login(name)
    with pytest.raises(koji.AuthError, match="requires an exclusive session"):
        session.host.getID()
    session.exclusiveSession()
    assert session.host.getID() == host_id
    assert world.child(session).host.getID() == host_id


def test_host_calls_need_a_host(world: World) -> None:
    session = world.login(world.user())
    session.exclusiveSession()
    with pytest.raises(koji.AuthError, match="is not a host"):
        session.host.getID()


def test_one_exclusive_session_per_user(world: World, builder: Builder) -> None:
    second = world.login(builder.name)
    with pytest.raises(koji.AuthLockError, match="Cannot get exclusive session"):
        second.exclusiveSession()
    assert builder.host.getID() == builder.id


def test_exclusive_session_locks_other_sessions_of_the_user_out(world: World, builder: Builder) -> None:
    second = world.login(builder.name)
    with pytest.raises(koji.AuthLockError, match="User locked by another session"):
        second.echo("x")


def test_a_subsession_cannot_become_exclusive(world: World) -> None:
    child = world.login(world.host()[0]).subsession()
    with pytest.raises(koji.GenericError, match="subsessions cannot become exclusive"):
        child.exclusiveSession()


def test_force_takes_the_exclusive_session_over(world: World, builder: Builder) -> None:
    child = world.child(builder.session)
    second = world.login(builder.name)
    second.exclusiveSession(force=True)
    assert second.host.getID() == builder.id
    with pytest.raises(koji.AuthError, match="Invalid session") as old:
        world.twin(builder.session).host.getID()
    assert not isinstance(old.value, koji.AuthLockError)
    with pytest.raises(koji.AuthLockError):
        child.host.getID()


# --- Call numbers


def test_lower_call_number_is_a_sequence_error(world: World) -> None:
    session = world.login(world.user())
    session.callnum = 50
    session.exclusiveSession()
    session.callnum = 49
    with pytest.raises(koji.SequenceError):
        session.echo("x")


def test_repeated_call_number_of_a_write_is_a_retry_error(builder: Builder) -> None:
    builder.host.updateHost(0.0, False)
    builder.session.callnum -= 1
    with pytest.raises(koji.RetryError, match="unable to retry call"):
        builder.session.subsession()


def test_repeated_call_number_of_a_read_is_accepted(builder: Builder) -> None:
    builder.host.getHost()
    builder.session.callnum -= 1
    assert builder.host.getID() == builder.id


def raw_call(hub: HubUnderTest, session: Session, method: str, *args: Any, source: str | None = None) -> Any:
    """One call with the session's headers, by a client that shows each detail; a fault is returned."""
    target = urllib.parse.urlsplit(hub.url)
    connection = http.client.HTTPConnection(
        target.hostname or "", target.port, timeout=30, source_address=(source, 0) if source else None
    )
    headers = {
        "Koji-Session-Id": str(session.sinfo["session-id"]),
        "Koji-Session-Key": session.sinfo["session-key"],
        "Koji-Session-Callnum": str(session.callnum),
        "Content-Type": "text/xml",
    }
    session.callnum += 1
    try:
        connection.request("POST", target.path, dumps(args, method, allow_none=True).encode(), headers)
        return loads(connection.getresponse().read())[0][0]
    except Fault as fault:
        return fault
    finally:
        connection.close()
