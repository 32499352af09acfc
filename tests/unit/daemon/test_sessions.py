"""Sessions that outlive a main process."""

import threading
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.daemon import sessions
from koji_adjutant.daemon.sessions import OwnSession, SessionWaiter
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.errors import LoginFailed
from koji_adjutant.hub.session import HubSession, login, open_session
from tests.hubs import Hub
from tests.waiting import eventually

PATIENCE = 20.0


def main_session(hub: Hub, state: StateDirectory) -> HubSession:
    config = hub.config()
    session = open_session(config)
    login(session, config, before_lock=OwnSession(state, config.server).replace)
    return session


def test_a_new_main_process_gets_the_lock_of_the_old(hub: Hub, state: StateDirectory) -> None:
    first = main_session(hub, state)
    child: Any = first.subsession()
    second = main_session(hub, state)
    with pytest.raises(koji.AuthError):
        first.echo("OK")
    with pytest.raises(koji.AuthError):
        child.echo("OK")
    second.logout()


def test_but_not_of_another_daemon(hub: Hub, state: StateDirectory, tmp_path: Path) -> None:
    elsewhere = StateDirectory(tmp_path / "elsewhere")
    elsewhere.lock()
    other = main_session(hub, elsewhere)
    with pytest.raises(LoginFailed, match="another daemon is logged in"):
        main_session(hub, state)
    assert other.echo("OK") == ["OK"]
    other.logout()
    elsewhere.unlock()


def test_the_number_is_of_one_hub(hub: Hub, state: StateDirectory) -> None:
    first = main_session(hub, state)
    config = hub.config()
    session = open_session(config)
    session.login()
    OwnSession(state, "http://another.hub/").replace(session)
    assert first.echo("OK") == ["OK"]
    session.logout()
    first.logout()


def test_the_record_has_no_key(hub: Hub, state: StateDirectory) -> None:
    session = main_session(hub, state)
    text = (state.path / "session").read_text()
    assert str(session.session_id) in text
    assert session.sinfo
    assert session.sinfo["session-key"] not in text
    session.logout()


def waiter(state: StateDirectory, session: Any, pokes: list[int]) -> SessionWaiter:
    own = state.begin(7, "build", "/w")
    return SessionWaiter(state, own, session, lambda: pokes.append(1))


class OldSession:
    session_id = 3


def test_it_asks_and_gets_another(state: StateDirectory) -> None:
    pokes: list[int] = []
    asks = waiter(state, OldSession(), pokes)
    sessions.hand_out(state, 7, {"session-id": 3, "session-key": "k"})
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asks()))
    thread.start()
    eventually(lambda: list(sessions.requested_sessions(state)), "it asks")
    assert list(sessions.requested_sessions(state)) == [(7, 3)]
    assert not found
    sessions.hand_out(state, 7, {"session-id": 4, "session-key": "k"})
    thread.join(PATIENCE)
    assert found == [{"session-id": 4, "session-key": "k"}]
    assert pokes == [1]
    assert list(sessions.requested_sessions(state)) == []
    assert (state.path / "tasks" / "7.session").stat().st_mode & 0o777 == 0o600
    state.end(7)
    assert list((state.path / "tasks").iterdir()) == []


def test_one_that_was_given_up_gets_none(state: StateDirectory) -> None:
    asks = waiter(state, OldSession(), [])
    state.end(7)
    assert asks() is None


def test_one_whose_task_is_anothers_gets_none(state: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = waiter(state, OldSession(), [])
    monkeypatch.setattr("koji_adjutant.journal.state.start_time", lambda _pid: 1)
    state.begin(7, "build", "/w")
    assert asks() is None


def test_a_question_that_cannot_be_written_is_asked_again(
    state: StateDirectory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        state.end(7)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sessions, "replace_json", full)
    assert waiter(state, OldSession(), [])() is None
    assert "cannot ask for a session" in caplog.text
