"""Counts of what a process asks of hub and engine, and the events that say them."""

import os
import time
from typing import Any

import pytest

from koji_adjutant.journal.file import ITEMS_LIMIT
from koji_adjutant.journal.phases import EventName, HostEvent
from koji_adjutant.journal.requests import (
    ENGINE_CALLS,
    HUB_METHODS,
    MADE,
    OTHER,
    RequestCounts,
    RequestReport,
)


class KeptEvents:
    """A journal that keeps the details of each event."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.tasks: list[int | None] = []

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        assert name is HostEvent.REQUESTS
        assert not container
        self.said.append(details)
        self.tasks.append(task)


def test_an_event_has_room_for_all_names() -> None:
    assert len(HUB_METHODS) < ITEMS_LIMIT
    assert len(ENGINE_CALLS) < ITEMS_LIMIT
    assert OTHER not in HUB_METHODS | ENGINE_CALLS


def test_what_has_come_is_said_once() -> None:
    counts, journal = RequestCounts(), KeptEvents()
    with counts.hub("multiCall"):
        pass
    with pytest.raises(KeyError), counts.hub("multiCall"):
        raise KeyError
    counts.hub_retried()
    counts.engine("ping", 0.25, failed=False)
    counts.uploaded(10)
    counts.log_uploaded(5)
    counts.log_uploaded(6)
    counts.log_waited(0.7)
    counts.log_waited(0.2)
    counts.downloaded("cache", 1)
    counts.downloaded("network", 2)
    counts.say(journal, task=7)
    counts.say(journal)
    (said,) = journal.said
    number, errors, seconds = said["hub"]["multiCall"]
    assert (number, errors) == (2, 1)
    assert 0 <= seconds < 60
    assert {**said, "hub": {}} == {
        "hub": {},
        "hub_retries": 1,
        "engine": {"ping": [1, 0, 0.25]},
        "uploaded_bytes": 10,
        "log_uploaded_bytes": 11,
        "log_lag_seconds": 0.7,
        "downloaded_bytes": {"cache": 1, "network": 2},
    }
    assert journal.tasks == [7]


def test_a_name_that_nobody_knows_makes_no_new_one() -> None:
    counts, journal = RequestCounts(), KeptEvents()
    for number in range(1000):
        with counts.hub(f"plugin.method{number}"):
            pass
        counts.engine(f"container-{number}", 0.0, failed=True)
    counts.say(journal)
    assert journal.said[0]["hub"][OTHER][0] == 1000
    assert journal.said[0]["engine"] == {OTHER: [1000, 1000, 0.0]}


def test_who_lives_on_says_it_now_and_then() -> None:
    counts, journal, now = RequestCounts(), KeptEvents(), [100.0]
    report = RequestReport(journal, counts, interval=60.0, clock=lambda: now[0])
    counts.uploaded(1)
    for now[0] in (101.0, 159.0, 160.0, 161.0):
        report.say_if_due()
        counts.uploaded(1)
    assert [said["uploaded_bytes"] for said in journal.said] == [3]


def test_a_child_begins_with_nothing() -> None:
    journal = KeptEvents()
    MADE.uploaded(1)
    child = os.fork()
    if child == 0:
        MADE.say(journal)
        os._exit(len(journal.said))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    MADE.say(journal)
    assert len(journal.said) == 1


@pytest.mark.timing
def test_a_request_costs_microseconds() -> None:
    counts, number = RequestCounts(), 10_000
    began = time.perf_counter()
    for _ in range(number):
        with counts.hub("multiCall"):
            pass
    assert (time.perf_counter() - began) / number < 100e-6
