"""What an engine says of containers, in our types."""

from typing import Any

import pytest

from koji_adjutant.container.podman.containers import inspected, listed
from koji_adjutant.container.podman.images import epoch


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T01:00:10.5+01:00", 10.5),
        ("1970-01-01T00:00:10.123456789Z", 10.123456),
    ],
)
def test_times(text: str, seconds: float) -> None:
    assert epoch(text) == pytest.approx(seconds)


def test_a_container_that_is_shown() -> None:
    shown: dict[str, Any] = {
        "Id": "ab",
        "Created": "1970-01-01T00:00:10Z",
        "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
        "Config": {"Labels": {"a": "b"}},
        "GraphDriver": {"Data": {"UpperDir": "/storage/diff"}},
    }
    found = inspected(shown)
    assert (found.id, found.state, found.exit_code, found.oom_killed) == ("ab", "exited", 137, True)
    assert (found.created, found.labels, found.upper_dir) == (10.0, {"a": "b"}, "/storage/diff")


def test_what_has_ended_has_exited_cleaned_up_or_not() -> None:
    """podman 5 tells the two apart, podman 4 does not."""
    assert inspected({"Id": "ab", "State": {"Status": "stopped"}, "Config": {}}).state == "exited"
    assert listed({"Id": "ab", "State": "stopped"}).state == "exited"


@pytest.mark.parametrize("more", [{}, {"GraphDriver": None}, {"GraphDriver": {"Data": None}}])
def test_what_an_engine_leaves_out(more: dict[str, Any]) -> None:
    found = inspected({"Id": "ab", "State": {"Status": "created"}, "Config": {"Labels": None}, **more})
    assert (found.labels, found.upper_dir, found.exit_code, found.oom_killed) == ({}, "", 0, False)


def test_a_container_in_a_list() -> None:
    found = listed({"Id": "ab", "State": "running", "Labels": None, "Names": ["one", "two"], "ExitCode": 0})
    assert (found.id, found.state, found.labels, found.name) == ("ab", "running", {}, "one")
    assert listed({"Id": "ab", "State": "storage"}).name == ""
