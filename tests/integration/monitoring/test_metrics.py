"""/metrics of the testbed's daemon, before and after a build that was really made."""

import urllib.request

import pytest

from koji_adjutant.journal.public import MONITORING, MonitoringFacts, public_directory, read_facts
from tests.integration.running import Testbed
from tests.promtool import promtool
from tests.unit.monitoring.metrics_text import Values, value, values_of
from tests.waiting import PATIENCE, eventually

pytestmark = pytest.mark.podman


def metrics(testbed: Testbed) -> str:
    """What the status server answers that the daemon has started."""
    facts = read_facts(MonitoringFacts, public_directory(testbed.config.state_dir) / MONITORING)
    assert facts is not None
    with urllib.request.urlopen(f"http://{facts.bind}/metrics", timeout=PATIENCE) as answer:
        text: bytes = answer.read()
    return text.decode()


def closed(values: Values, method: str) -> float:
    known = ("koji_adjutant_tasks_total", frozenset({("method", method), ("outcome", "closed")}))
    return values.get(known, 0.0)


def total(values: Values, name: str) -> float:
    return sum(found for (known, _), found in values.items() if known == f"koji_adjutant_{name}")


def test_a_build_is_counted(testbed: Testbed) -> None:
    before = values_of(metrics(testbed))
    methods = ("build", "rebuildSRPM", "buildArch")
    build = testbed.build(testbed.srpm("hello"), "--scratch")
    assert build.returncode == 0, build.output
    assert {task.method for task in build.tasks} == set(methods)
    eventually(
        lambda: all(closed(values_of(metrics(testbed)), one) > closed(before, one) for one in methods),
        "all is counted",
    )
    text = metrics(testbed)
    after = values_of(text)
    promtool("check", "metrics", given=text)
    for method in methods:
        assert closed(after, method) == closed(before, method) + 1
    for name in (
        "task_duration_seconds_count",
        "task_wait_seconds_count",
        "buildroot_requests_total",
        "log_uploaded_bytes_total",
        "upload_bytes_total",
        "hub_requests_total",
        "hub_request_duration_seconds_sum",
        "engine_requests_total",
        "engine_request_duration_seconds_sum",
    ):
        assert total(after, name) > total(before, name), name
    assert total(after, "buildroot_requests_total") == total(before, "buildroot_requests_total") + 2
    assert value(after, "ready") == 1
    assert total(after, "info") == 1
    assert value(after, "last_poll_timestamp_seconds") > value(before, "last_poll_timestamp_seconds")
