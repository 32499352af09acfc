"""/metrics: exactly the names that are promised, by Prometheus' rules, bounded whatever the journal says."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.file import Event, encoded
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.public import (
    CONTAINERS,
    HOST,
    Containers,
    HostFacts,
    public_directory,
    read_facts,
    write_facts,
)
from koji_adjutant.monitoring import label_values
from koji_adjutant.monitoring.families import FAMILIES, Kind
from tests.fakes.journals import write_sample
from tests.promtool import promtool
from tests.unit.monitoring.metrics_text import OPENMETRICS, exposition_of, text_of, value, values_of

NAMES = """
info ready not_ready_info tasks tasks_total task_duration_seconds task_phase_duration_seconds task_wait_seconds
buildroot_requests_total buildroot_populate_seconds buildroot_images buildroot_images_bytes download_bytes_total
hub_requests_total hub_request_duration_seconds hub_retries_total engine_requests_total
engine_request_duration_seconds log_uploaded_bytes_total log_upload_lag_seconds upload_bytes_total containers
disk_free_bytes disk_limit_bytes sweep_removed_total given_back_total adopted_tasks_total restarts_total
credential_expiry_timestamp_seconds last_poll_timestamp_seconds plugins_failed
"""


@pytest.fixture
def own_dir(tmp_path: Path) -> Path:
    return tmp_path / "status"


@pytest.fixture
def sampled(state_dir: Path) -> Path:
    """The state directory of a host with a past."""
    write_sample(state_dir)
    return state_dir


def types_of(text: str) -> dict[str, str]:
    lines = (line.split() for line in text.splitlines() if line.startswith("# TYPE "))
    return {name: kind for _, _, name, kind in lines}


def test_the_names_are_exactly_those_that_are_promised(sampled: Path, own_dir: Path) -> None:
    assert sorted(family.name for family in FAMILIES) == sorted(NAMES.split())
    shown = {Kind.INFO: "gauge"}
    text = text_of(sampled, own_dir)
    assert types_of(text) == {
        family.full_name: str(shown.get(family.kind, family.kind)) for family in FAMILIES
    }
    for family in FAMILIES:
        assert f"# HELP {family.full_name} {family.help}\n" in text


def test_prometheus_likes_them(sampled: Path, own_dir: Path) -> None:
    assert promtool("check", "metrics", given=text_of(sampled, own_dir)) == ""


def test_whoever_asks_for_openmetrics_gets_it(sampled: Path, own_dir: Path) -> None:
    with exposition_of(sampled, own_dir) as exposition:
        plain, kind = exposition.answer("text/html, */*;q=0.5")
        assert kind.startswith("text/plain; version=0.0.4")
        of_prometheus = f"{OPENMETRICS};version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        opened, kind = exposition.answer(of_prometheus)
        assert kind.startswith(OPENMETRICS)
        assert opened.endswith(b"# EOF\n")
    assert values_of(opened.decode(), is_open=True) == values_of(plain.decode())


@pytest.mark.parametrize("accept", ["", "\0", OPENMETRICS + ";version=moon", "a" * 10_000, ",;=,;="])
def test_odd_wishes_are_answered(sampled: Path, own_dir: Path, accept: str) -> None:
    with exposition_of(sampled, own_dir) as exposition:
        assert exposition.answer(accept)[0]


def test_a_host_is_told_in_figures(sampled: Path, own_dir: Path) -> None:
    values = values_of(text_of(sampled, own_dir))
    host = read_facts(HostFacts, public_directory(sampled) / HOST)
    assert host is not None
    assert host.last_poll is not None
    assert value(values, "ready") == host.ready
    assert value(values, "info", version=host.version, hub=host.hub, arch=" ".join(host.arches)) == 1
    assert value(values, "last_poll_timestamp_seconds") == pytest.approx(host.last_poll)
    assert value(values, "plugins_failed") == len(host.plugins_failed)
    running = {labels: found for (name, labels), found in values.items() if name == "koji_adjutant_tasks"}
    assert sum(found for labels, found in running.items() if ("method", "buildArch") in labels) == 2
    assert value(values, "tasks_total", method="buildArch", outcome="canceled") == 1
    assert value(values, "tasks_total", method="buildArch", outcome="failed") == 1
    assert value(values, "restarts_total", kind="crash") == 1
    assert value(values, "restarts_total", kind="reload") == 1
    assert value(values, "adopted_tasks_total") >= 1
    assert value(values, "hub_retries_total") == 9
    for disk in host.disks:
        if disk.free_bytes is not None:
            assert value(values, "disk_free_bytes", area=disk.area) == disk.free_bytes
    listed = read_facts(Containers, public_directory(sampled) / CONTAINERS)
    assert listed is not None
    shown = sum(found for (name, _), found in values.items() if name == "koji_adjutant_containers")
    assert shown == len(listed.containers)


def test_why_it_takes_none_is_a_label(state_dir: Path, own_dir: Path) -> None:
    """Of a table: a daemon of tomorrow may have other words."""
    values = values_of(text_of(state_dir, own_dir))
    assert value(values, "ready") == 0
    assert value(values, "not_ready_info", reason="daemon") == 1
    assert "koji_adjutant_last_poll_timestamp_seconds" not in {name for name, _ in values}


def test_an_answer_is_kept_for_a_second(sampled: Path, own_dir: Path) -> None:
    now = [0.0]
    with exposition_of(sampled, own_dir, clock=lambda: now[0]) as exposition:
        first = exposition.answer("")[0]
        (public_directory(sampled) / HOST).unlink()
        now[0] = 0.9
        assert exposition.answer("")[0] == first
        now[0] = 1.0
        assert exposition.answer("")[0] != first


def test_a_hostile_journal_makes_no_series(state_dir: Path, own_dir: Path) -> None:
    """Every text of every event is another each time: no label takes any, so there are as few series as without."""
    draw = random.Random(12)

    def text() -> str:
        return f'{draw.getrandbits(64):x}"}}\n\\{chr(draw.randrange(0x20, 0x2FFF))}'

    def details() -> dict[str, Any]:
        figures = [draw.randrange(1, 9), 0, 0.1]
        words = (
            "method",
            "reason",
            "root",
            "why",
            "command",
            "outcome",
            "state",
            "role",
            "obstacle",
            "error",
        )
        return {
            **{word: text() for word in words},
            "hub": {text(): figures for _ in range(20)},
            "engine": {text(): figures for _ in range(20)},
            "removed": {text(): 1 for _ in range(20)},
            "downloaded_bytes": {text(): 1 for _ in range(20)},
            "seconds": draw.random(),
        }

    write_sample(state_dir)
    before = len(values_of(text_of(state_dir, own_dir)))
    with (state_dir / "journal").open("ab") as journal:
        for number in range(500):
            for name in (
                draw.choice([*Phase, *HostEvent]),
                draw.choice([Phase.OPENED, Phase.CLOSED]),
                text(),
            ):
                event = Event(
                    time=datetime.now(UTC),
                    name=name,
                    task=number,
                    container=text(),
                    details=details(),
                    boot_id=text(),
                )
                journal.write(encoded(event))
    answer = text_of(state_dir, own_dir)
    # One `other` beside the values of a table, and of a method with each of its phases and outcomes.
    assert len(values_of(answer)) < before + 400
    promtool("check", "metrics", given=answer)
    for name, labels in values_of(answer):
        for label, said in labels:
            known = label_values.VALUES.get((name.removeprefix("koji_adjutant_"), label))
            assert known is None or said in known | {"other", "unknown"}, (name, label, said)


def test_a_host_with_a_thousand_methods_has_bounded_series(state_dir: Path, own_dir: Path) -> None:
    write_sample(state_dir)
    file = public_directory(state_dir) / HOST
    facts = json.loads(file.read_text())
    facts["methods"] = [f"method{number}" for number in range(1000)] + ['"} 1\nkoji_adjutant_ready 1', ""]
    file.write_text(json.dumps(facts))
    with (state_dir / "journal").open("ab") as journal:
        for task, method in enumerate(facts["methods"], 10_000):
            event = Event(time=datetime.now(UTC), name="opened", task=task, details={"method": method})
            journal.write(encoded(event))
    tasks = [
        labels for name, labels in values_of(text_of(state_dir, own_dir)) if name == "koji_adjutant_tasks"
    ]
    assert len(tasks) <= label_values.METHODS_LIMIT + len(label_values.PHASES)


def test_what_a_daemon_says_of_itself_is_one_line(state_dir: Path, own_dir: Path) -> None:
    write_sample(state_dir)
    file = public_directory(state_dir) / HOST
    facts = read_facts(HostFacts, file)
    assert facts is not None
    write_facts(file, replace(facts, version='1"} 1\nx 1\n' + "v" * 1000, obstacle="a\nb", ready=False))
    answer = text_of(state_dir, own_dir)
    ((labels, _),) = [one for one in values_of(answer).items() if one[0][0] == "koji_adjutant_info"]
    assert len(dict(labels[1])["version"]) == label_values.TEXT_LIMIT
    assert value(values_of(answer), "not_ready_info", reason="unknown") == 1
    promtool("check", "metrics", given=answer)
