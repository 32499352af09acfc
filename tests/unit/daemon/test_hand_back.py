"""The last calls of a daemon: each is made again when it has no answer, and none keeps another from being made."""

from dataclasses import dataclass, field
from typing import Any, cast

import koji
import pytest
import requests

from koji_adjutant.daemon.hand_back import AGAIN_SECONDS, LAST_CALL_SECONDS, hand_back

ALL = ["host.getHostTasks", "host.freeTasks", "host.updateHost", "logout"]
SILENT = requests.ConnectionError("cut")
REFUSED = koji.GenericError("no")


@dataclass
class Hub:
    """What a session is asked, and what goes wrong: for each call the errors that it meets, one after the other."""

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    opts: dict[str, Any] = field(default_factory=dict)

    def call_once(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(name)
        if waiting := self.errors.get(name):
            raise waiting.pop(0)
        if name == "host.freeTasks":
            self.freed += args[0]
        return [{"id": 7}, {"id": 8}]

    def logout(self) -> None:
        self.call_once("logout")


@pytest.fixture
def journal() -> list[int]:
    return []


def end(hub: Hub, journal: list[int], waits: list[float] | None = None) -> str:
    class Recorded:
        def record(self, _phase: object, *, task: int, reason: str, why: str) -> None:
            assert why
            assert reason == "stop"
            journal.append(task)

    found = hand_back(
        cast("Any", hub),
        cast("Any", Recorded()),
        sleep=waits.append if waits is not None else lambda _: None,
    )
    return str(found or "")


def test_tasks_are_freed_and_the_session_is_over(journal: list[int]) -> None:
    hub = Hub()
    assert end(hub, journal) == ""
    assert (hub.calls, hub.freed, journal) == (ALL, [7, 8], [7, 8])
    assert hub.opts["timeout"] == LAST_CALL_SECONDS


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("error", [SILENT, koji.RetryError("it was done")])
def test_a_call_without_an_answer_is_made_again(name: str, error: Exception, journal: list[int]) -> None:
    hub = Hub({name: [error]})
    waits: list[float] = []
    assert end(hub, journal, waits) == ""
    assert (hub.freed, waits) == ([7, 8], [AGAIN_SECONDS])
    assert hub.calls[-1] == "logout"


@pytest.mark.parametrize("name", ALL[:-1])
def test_a_refusal_keeps_no_session_open(name: str, journal: list[int]) -> None:
    hub = Hub({name: [REFUSED]})
    assert end(hub, journal) == "no"
    assert hub.calls[-1] == "logout"


def test_a_hub_that_is_away_is_asked_no_more(journal: list[int]) -> None:
    hub = Hub({ALL[0]: [SILENT, SILENT]})
    assert end(hub, journal) == "cut"
    assert (hub.calls, journal) == (ALL[:1] * 2, [])
