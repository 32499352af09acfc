"""What the status server makes of requests that make no sense, and of files that are not what they should be."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Phase
from koji_adjutant.journal.public import public_directory
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import write_sample
from tests.status_server import Server, running_server
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/tasks/0", 404),
        ("/tasks/-1", 404),
        ("/tasks/1e3", 404),
        ("/tasks/" + "9" * 4000, 404),
        ("/tasks/" + "9" * 5000, 414),
        ("/tasks/203/", 404),
        ("/tasks/203/logs/", 404),
        ("/tasks/203/logs/..%2f..%2f..%2fjournal", 404),
        ("/tasks/203/logs/../../../journal", 404),
        ("/tasks/203/logs/%00", 404),
        ("/tasks/203/logs/build.log%0d%0aX-Evil:%201", 404),
        ("/tasks/203/logs/build.log?follow=maybe", 400),
        ("/tasks/203/logs/build.log?tail=-5", 400),
        ("/tasks?limit=0", 400),
        ("/tasks?limit=1001", 400),
        ("/tasks?limit=%D9%A3", 400),
        ("/tasks?outcome=happy", 400),
        ("/tasks?offset=5%00", 400),
        ("/containers/" + "x" * 300, 400),
        ("/containers/%f0%9f%92%a9", 404),
        ("/api/v1", 404),
        ("/api/v1/healthz", 404),
        ("//tasks", 404),
        ("/%2e%2e/status", 404),
        ("/events?task=x", 400),
    ],
)
def test_what_makes_no_sense_is_refused(server: Server, target: str, status: int) -> None:
    answer = server.ask(target)
    assert answer.status == status
    assert answer.json()["status"] == status
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_nothing_can_be_changed(server: Server, method: str) -> None:
    answer = server.ask("/tasks/203", method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000,
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /status\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET /status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
    ],
)
def test_no_http_is_refused(server: Server, request_: bytes) -> None:
    with closing(server.raw()) as connection:
        connection.sendall(request_)
        assert connection.recv(4096).startswith(b"HTTP/1.1 400")
    assert server.ask("/healthz").status == 200


def test_a_long_head_is_refused(server: Server) -> None:
    assert server.ask("/status", X_Long="x" * 20_000).status == 431


def test_a_link_in_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    log = public_directory(sample.state_dir) / "logs" / "203" / "build.log"
    log.unlink()
    log.symlink_to("/etc/passwd")
    with running_server(sample.state_dir, tmp_path / "own") as server:
        assert server.ask("/tasks/203/logs/build.log").status == 404
        log.unlink()
        os.mkfifo(log)
        assert server.ask("/tasks/203/logs/build.log").status == 404


def test_a_state_directory_may_go_and_come_back(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    away = tmp_path / "away"
    with running_server(sample.state_dir, tmp_path / "own") as server:
        before = server.ask("/tasks").json()["total"]
        sample.state_dir.rename(away)
        assert server.ask("/status").json()["obstacle"] == "daemon"
        assert server.ask("/readyz").status == 503
        assert server.ask("/metrics").status == 200
        away.rename(sample.state_dir)
        journal = FileJournal(sample.state_dir / JOURNAL)
        journal.record(Phase.OPENED, task=900, method="buildArch")
        eventually(lambda: server.ask("/tasks").json()["total"] == before + 1, "the new task is shown")
        assert server.ask("/status").json()["ready"]


def test_a_journal_that_is_damaged_is_shown_as_far_as_it_is_one(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    path = sample.state_dir / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True)
    newer = b'{"v": 99, "time": "later", "event": "closed", "task": 203}\n'
    nested = b"[" * 100_000 + b"\n"
    wrong = (
        b'{"v": 2, "time": 5, "boot_id": [], "since_boot": "x", "pid": null, "event": {}, "task": "203"}\n'
    )
    odd = b'{"v": 2, "time": "2026-01-01T00:00:00Z", "boot_id": "", "since_boot": 1e400, "pid": 1, "event": "x"}\n'
    bad = [
        newer,
        nested,
        wrong,
        odd,
        b"\0" * 5000 + b"\n",
        b"\xff\xfe\n",
        b"x" * (3 << 20) + b"\n",
        lines[3][:40],
    ]
    path.write_bytes(b"".join([*lines[:50], *bad[:-1], *lines[50:], bad[-1]]))
    with running_server(sample.state_dir, tmp_path / "own") as server:
        before = server.ask("/tasks").json()
        assert {task["id"] for task in before["tasks"]} >= {sample.closed, sample.failed, sample.running}
        FileJournal(path).record(Phase.OPENED, task=900, method="buildArch")
        eventually(
            lambda: server.ask("/tasks").json()["total"] == before["total"] + 1, "what follows is read"
        )
        assert server.ask("/metrics").status == 200
        assert server.said().count("\n") == 1, server.said()


def test_public_files_that_are_damaged_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    public = public_directory(sample.state_dir)
    with running_server(sample.state_dir, tmp_path / "own") as server:
        for content in (b"", b"{", b"[]", b'{"v": 99}', b"\xff" * 100, b'{"v": 1}', b"[" * 100_000):
            for path in (*public.glob("*.json"), *(public / "tasks").glob("*.json")):
                replace(path, content)
            assert server.ask("/status").json()["obstacle"] == "daemon"
            for target in ("/tasks", f"/tasks/{sample.failed}", "/containers", "/buildroots", "/metrics"):
                for accept in ("*/*", "text/html"):
                    assert server.ask(target, Accept=accept).status == 200, target
        assert server.said().count("\n") == 1, server.said()


def replace(path: Path, content: bytes) -> None:
    """As the daemon does it: another file of the same name."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)
