"""How long a call goes on while the hub does not answer. Time is the test's own."""

from dataclasses import dataclass, field, replace
from xmlrpc.client import Fault

import koji
import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from koji_adjutant.config import Config
from koji_adjutant.hub.outage import (
    HOUR,
    Attempts,
    NoAnswer,
    RetryPolicy,
    is_database_away,
    is_disk_full,
    was_surely_not_sent,
)

USUAL = RetryPolicy.of(
    {
        name: getattr(Config, name)
        for name in ("max_retries", "retry_interval", "offline_retry", "offline_retry_interval")
    }
)
SOME = RetryPolicy(max_retries=2, interval=60, offline_retry=False, offline_interval=60, at_least=HOUR)


@dataclass
class Clock:
    """Time that passes only in sleep."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


def outlasts(policy: RetryPolicy, error: Exception, seconds: float) -> tuple[bool, Clock]:
    """Whether a call of that policy is still tried after an outage of so many seconds."""
    clock = Clock()
    attempts = Attempts(policy, clock, clock.sleep)
    end = clock.now + seconds
    while clock.now < end:
        if not attempts.wait(error):
            return False, clock
    return True, clock


def refused() -> requests.ConnectionError:
    pool = HTTPConnection("127.0.0.1")
    return requests.ConnectionError(MaxRetryError(None, "/", NewConnectionError(pool, "refused")))  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [1, 8, 60, 900, HOUR])
@pytest.mark.parametrize("policy", [USUAL, SOME])
@pytest.mark.parametrize("error", [refused(), NoAnswer("garbage"), requests.HTTPError("500")])
def test_a_call_outlasts_an_hour(seconds: float, policy: RetryPolicy, error: Exception) -> None:
    assert outlasts(policy, error, seconds)[0]


def test_a_hub_in_maintenance_is_waited_for_without_end() -> None:
    is_tried, clock = outlasts(USUAL, koji.ServerOffline("offline"), 24 * HOUR)
    assert is_tried
    assert max(clock.sleeps) <= USUAL.offline_interval


def test_a_hub_in_maintenance_is_not_waited_for_against_the_configuration() -> None:
    offline = koji.ServerOffline("offline")
    assert not outlasts(replace(SOME, at_least=0.0), offline, 1)[0]
    # But a task's work is not thrown away for it, and ends as with any outage.
    assert outlasts(SOME, offline, HOUR)[0]
    assert not outlasts(SOME, offline, 2 * HOUR)[0]


def test_it_ends_when_both_number_and_time_are_over() -> None:
    is_tried, clock = outlasts(SOME, NoAnswer("garbage"), 2 * HOUR)
    assert not is_tried
    assert HOUR <= clock.now - 1000 < HOUR + SOME.interval
    impatient = RetryPolicy(max_retries=3, interval=1, offline_retry=False, offline_interval=1)
    assert not outlasts(impatient, NoAnswer("garbage"), 10)[0]


def test_a_short_outage_is_noticed_to_be_over() -> None:
    _, clock = outlasts(USUAL, refused(), 8)
    assert clock.now - 1000 < 8 + 4
    assert clock.sleeps[0] <= 1
    _, clock = outlasts(USUAL, refused(), HOUR)
    assert max(clock.sleeps) <= USUAL.interval
    assert len(clock.sleeps) < 200


def test_an_outage_that_changes_its_kind_is_one() -> None:
    clock = Clock()
    attempts = Attempts(USUAL, clock, clock.sleep)
    errors = [refused(), NoAnswer("garbage"), koji.ServerOffline("maintenance")] * 4
    assert all(attempts.wait(error) for error in errors)
    assert clock.now - 1000 < 60


def test_builders_do_not_come_back_at_the_same_moment() -> None:
    clocks = [outlasts(USUAL, refused(), 600)[1] for _ in range(5)]
    assert len({clock.now for clock in clocks}) == 5


@pytest.mark.parametrize(
    ("error", "is_sure"),
    [
        (refused(), True),
        (koji.ServerOffline("maintenance"), True),
        (requests.ConnectionError("reset"), False),
        (requests.ReadTimeout("slow"), False),
        (NoAnswer("half of it"), False),
    ],
)
def test_what_the_hub_cannot_have_seen(error: Exception, is_sure: bool) -> None:
    assert was_surely_not_sent(error) is is_sure
    clock = Clock()
    attempts = Attempts(USUAL, clock, clock.sleep)
    attempts.wait(error)
    attempts.wait(koji.ServerOffline("maintenance"))
    assert attempts.may_have_been_done is not is_sure


def test_a_hub_without_its_database() -> None:
    away = "<class 'psycopg2.OperationalError'>: server closed the connection unexpectedly"
    assert is_database_away(Fault(1, away))
    assert is_database_away(Fault(1, "<class 'psycopg2.errors.AdminShutdown'>: terminating connection"))
    assert not is_database_away(Fault(1, "<class 'psycopg2.errors.UniqueViolation'>: duplicate key"))
    assert is_database_away(
        Fault(1, "psycopg2.errors.DiskFull: could not extend file: No space left on device")
    )
    assert not is_database_away(Fault(1000, away))


def test_a_hub_without_room() -> None:
    assert is_disk_full(Fault(1, "<class 'OSError'>: [Errno 28] No space left on device"))
    assert not is_disk_full(Fault(1, "<class 'OSError'>: [Errno 5] Input/output error"))
    # Of a build.
    assert not is_disk_full(Fault(1005, "rpmbuild: No space left on device"))
