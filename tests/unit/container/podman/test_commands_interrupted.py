"""Commands and containers of which somebody has taken away what would have told their end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Self, cast

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman import commands
from koji_adjutant.container.podman.api import Answer, Request, refused
from koji_adjutant.container.podman.wire import DeadlinePassed
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineError, TaskInterrupted
from tests.contract.containers import spec


class Api:
    """An engine that gives one answer to everything."""

    socket = "/run/x.sock"
    timeouts = Timeouts()

    def __init__(self, status: int, content: bytes) -> None:
        self._answer = Answer(status=status, content=content)

    def call(self, request: Request) -> Answer:
        if self._answer.status >= 400 and self._answer.status not in request.accepted:
            raise refused(request, self._answer.status, self._answer.content)
        return self._answer

    @contextmanager
    def stream(self, request: Request, *, deadline: float | None = None) -> Iterator[Any]:
        self.call(request)
        yield None


class Alive:
    """The service is there all the time."""

    def __init__(self, _socket: str, _timeout: float) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def alive(self, _seconds: float = 0.0) -> bool:
        return True


@pytest.fixture(autouse=True)
def lifeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "Lifeline", Alive)


def test_a_command_whose_session_is_gone_has_not_failed() -> None:
    api = cast("Any", Api(404, b'{"message": "no exec session with ID f00 found: no such exec session"}'))
    with pytest.raises(TaskInterrupted, match="how a command has ended"):
        commands.exec_exit_code(api, "f00", None)


def test_an_exit_code_that_nobody_wrote_down_is_not_waited_for() -> None:
    words = b'{"message": "getting exit code of container c from DB: no such exit code (container in state running)"}'
    with pytest.raises(TaskInterrupted, match="how container c0ffee has ended"):
        commands.exit_code_of_ended(cast("Any", Api(500, words)), "c0ffee", None)


class Late(Api):
    """One that has hung until the patience with it was over."""

    def stream(self, request: Request, *, deadline: float | None = None) -> NoReturn:
        raise DeadlinePassed


@pytest.mark.parametrize("state", ["running", "removing"])
def test_an_engine_that_hung_may_know_how_a_container_has_ended(state: str) -> None:
    ended = cast("Any", Late(200, b'{"State": {"Status": "exited", "ExitCode": 3}}'))
    assert commands.exit_code_of_ended(ended, "c0ffee", None) == 3
    going = cast("Any", Late(200, f'{{"State": {{"Status": "{state}", "ExitCode": 0}}}}'.encode()))
    with pytest.raises(TaskInterrupted, match="how container c0ffee has ended"):
        commands.exit_code_of_ended(going, "c0ffee", None)
    with pytest.raises(TaskInterrupted, match="how container c0ffee has ended"):
        commands.exit_code_of_ended(cast("Any", Late(404, b"{}")), "c0ffee", None)


def test_another_refusal_stays_one() -> None:
    with pytest.raises(EngineError, match="database is locked"):
        commands.exit_code_of_ended(cast("Any", Api(500, b'{"message": "database is locked"}')), "c", None)


class Busy(PodmanManager):
    """An engine that makes containers, and removes none."""

    def __init__(self) -> None:
        super().__init__("/run/x.sock", Timeouts())

    def call(self, request: Request) -> Answer:
        if request.method == "DELETE":
            raise EngineError(f"cannot {request.purpose}: unlinkat shm: device or resource busy", status=500)
        return Answer(status=201, content=b'{"Id": "c0ffee"}')


def test_what_was_done_in_a_container_that_cannot_be_removed_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Busy().created(spec()) as container:
        assert container == "c0ffee"
    assert "c0ffee is left to the sweep" in caplog.text


def test_what_failed_in_it_is_told_first() -> None:
    def fail() -> None:
        with Busy().created(spec()):
            raise EngineError("the package is odd")

    with pytest.raises(EngineError, match="the package is odd") as raised:
        fail()
    assert any("resource busy" in note for note in raised.value.__notes__)
