"""The names of requests to the engine."""

import pytest

from koji_adjutant.container.podman.api import Kind, Method, Request
from koji_adjutant.journal.requests import ENGINE_CALLS

ID = "9bd3593d45ab"


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/containers/create", "container-create"),
        ("GET", "/containers/json", "container-list"),
        ("GET", f"/containers/{ID}/json", "container-inspect"),
        ("POST", f"/containers/{ID}/attach?stream=true&stdout=true", "container-attach"),
        ("POST", f"/containers/{ID}/start", "container-start"),
        ("POST", f"/containers/{ID}/kill?signal=KILL", "container-kill"),
        ("POST", f"/containers/{ID}/wait?condition=stopped&interval=20ms", "container-wait"),
        ("POST", f"/containers/{ID}/mount", "container-mount"),
        ("GET", f"/containers/{ID}/export", "container-export"),
        ("GET", f"/containers/{ID}/logs?follow=true", "container-logs"),
        ("GET", f"/containers/{ID}/archive", "container-read"),
        ("PUT", f"/containers/{ID}/archive", "container-write"),
        ("DELETE", f"/containers/{ID}?force=true", "container-remove"),
        ("POST", f"/containers/{ID}/exec", "exec-create"),
        ("POST", f"/exec/{ID}/start", "exec-start"),
        ("GET", f"/exec/{ID}/json", "exec-inspect"),
        ("GET", "/images/json", "image-list"),
        ("POST", "/images/pull", "image-pull"),
        ("POST", "/images/load", "image-load"),
        ("POST", "/commit", "image-commit"),
        ("GET", "/images/localhost/a-task:json/exists", "image-exists"),
        ("GET", "/images/localhost/a-task:1/json", "image-inspect"),
        ("DELETE", "/images/localhost/json", "image-remove"),
        ("POST", "/images/localhost/a-task:1/tag", "image-tag"),
        ("POST", "/images/localhost/a-task:1/untag", "image-untag"),
        ("GET", "/info", "info"),
        ("GET", "/_ping", "ping"),
    ],
)
def test_a_request_has_a_name_of_the_table(method: Method, path: str, call: str) -> None:
    request = Request(purpose="look", kind=Kind.START, method=method, path=path)
    assert request.call == call
    assert call in ENGINE_CALLS
