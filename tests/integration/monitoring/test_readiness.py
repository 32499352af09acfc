"""Why a host takes no tasks: one fixed list, in the same words at every place that says it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from koji_adjutant.journal.public import HOST, public_directory, write_facts
from koji_adjutant.journal.state import Obstacle
from koji_adjutant.monitoring.sentence import ADVICE, DAEMON, HUB
from tests.fakes.journals import Sample, write_sample
from tests.fakes.public_facts import host_facts
from tests.status_server import Server, running_server
from tests.unit.monitoring.metrics_text import value, values_of
from tests.waiting import eventually

REASON = "because <b>of\x1b[2J this"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def server(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(sample.state_dir, tmp_path_factory.mktemp("own")) as found:
        yield found


def say(sample: Sample, **facts: Any) -> None:
    """What the main process says of its host."""
    file = public_directory(sample.state_dir) / HOST
    write_facts(file, host_facts(sample.now, **facts))


def test_a_host_that_takes_tasks_is_ready(server: Server, sample: Sample) -> None:
    say(sample)
    eventually(lambda: server.ask("/readyz").status == 200, "it is ready")
    nothing = {"obstacle": "", "title": "", "reason": "", "what_to_do": ""}
    assert server.ask("/readyz").json() == {"ready": True, **nothing}
    assert server.ask("/healthz").json()["alive"] is True


@pytest.mark.parametrize("obstacle", [one.value for one in Obstacle if one.value])
def test_every_obstacle_has_its_words(server: Server, sample: Sample, obstacle: str) -> None:
    say(sample, ready=False, obstacle=obstacle, reason=REASON)
    eventually(lambda: server.ask("/readyz").json()["obstacle"] == obstacle, "it is said")
    answer = server.ask("/readyz")
    advice = ADVICE[obstacle]
    assert (answer.status, answer.json()) == (
        503,
        {
            "ready": False,
            "obstacle": obstacle,
            "title": advice.title,
            "reason": REASON,
            "what_to_do": advice.what_to_do,
        },
    )
    status = server.ask("/api/v1/status").json()
    assert (status["obstacle"], advice.title in status["sentence"]) == (obstacle, True)
    assert server.ask("/healthz").status == 200


def reason_of(server: Server, reason: str) -> float:
    values = values_of(server.ask("/metrics").body.decode())
    assert value(values, "ready") == 0
    return value(values, "not_ready_info", reason=reason)


def test_a_hub_that_is_away_and_a_daemon_that_is_dead_are_obstacles(server: Server, sample: Sample) -> None:
    say(sample, hub_lost_since=sample.now)
    eventually(lambda: server.ask("/readyz").json()["obstacle"] == HUB, "the hub is away")
    dead = replace(host_facts(sample.now).writer, start_time=1)
    say(sample, writer=dead, time=sample.now - 3600)
    eventually(lambda: server.ask("/readyz").json()["obstacle"] == DAEMON, "the daemon is dead")
    assert server.ask("/readyz").json()["title"] == ADVICE[DAEMON].title
    eventually(
        lambda: "daemon" in server.ask("/metrics").body.decode().partition("not_ready_info{")[2][:20], "told"
    )
    assert reason_of(server, DAEMON) == 1
