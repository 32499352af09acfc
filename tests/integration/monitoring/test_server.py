"""The status server as a process: what it answers, to whom, and what it makes of bad input."""

import base64
import hashlib
import http.client
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.public import MonitoringFacts, public_directory, write_facts
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import Sample, write_sample
from tests.status_server import Server, argv_for, running_server
from tests.waiting import PATIENCE, eventually

TOKEN = "0123456789abcdef0123456789abcdef-secret"


@pytest.mark.parametrize("path", ["/status", "/tasks", "/containers", "/buildroots"])
def test_programs_get_json_at_both_addresses(server: Server, path: str) -> None:
    plain, api = server.ask(path), server.ask(f"/api/v1{path}", Accept="text/html")
    assert (plain.status, plain.headers["content-type"]) == (200, "application/json")
    assert api.headers["content-type"] == "application/json"
    assert plain.json().keys() == api.json().keys()


@pytest.mark.parametrize(
    "path", ["/", "/tasks", "/tasks/203", "/tasks/203/logs/build.log", "/containers", "/buildroots"]
)
def test_browsers_get_pages(server: Server, path: str) -> None:
    answer = server.ask(path, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_what_pages_load_is_there(server: Server) -> None:
    page = server.ask("/", Accept="text/html").body.decode()
    for name in ("style.css", "page.js"):
        assert f"/static/{name}" in page
        assert server.ask(f"/static/{name}").status == 200
    assert server.ask("/static/..%2f__init__.py").status == 404


def test_metrics_health_and_readiness(server: Server) -> None:
    metrics = server.ask("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert b"\nkoji_adjutant_ready 1.0\n" in metrics.body
    assert server.ask("/healthz").json() == {"alive": True, "journal": ""}
    ready = server.ask("/readyz")
    assert (ready.status, ready.json()["ready"]) == (200, True)


# Logs


def test_a_log_is_sent_whole_in_part_and_by_its_last_lines(server: Server, sample: Sample) -> None:
    path = public_directory(sample.state_dir) / "logs" / "203" / "build.log"
    whole = path.read_bytes()
    address = "/api/v1/tasks/203/logs/build.log"
    answer = server.ask(address)
    assert (answer.status, answer.body) == (200, whole)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    part = server.ask(address, Range="bytes=5-9")
    assert (part.status, part.body) == (206, whole[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole)}"
    assert server.ask(address, Range="bytes=-4").body == whole[-4:]
    assert server.ask(address, Range=f"bytes={len(whole)}-").status == 416
    assert server.ask(address, Range="bytes=4-2").body == whole
    assert server.ask(address, Range="lines=1-2").body == whole
    assert server.ask(f"{address}?tail=2").body == b"".join(whole.splitlines(keepends=True)[-2:])
    head = server.ask(address, "HEAD")
    assert (head.status, head.body) == (200, b"")


def test_a_log_is_followed_until_its_task_ends(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    log = public_directory(sample.state_dir) / "logs" / "223" / "build.log"
    journal = FileJournal(sample.state_dir / JOURNAL)
    with (
        running_server(sample.state_dir, tmp_path / "own") as server,
        closing(server.connection()) as connection,
    ):
        begin = log.stat().st_size - 3
        connection.request(
            "GET", "/api/v1/tasks/223/logs/build.log?follow=1", headers={"Range": f"bytes={begin}-"}
        )
        response = connection.getresponse()
        assert (response.status, response.getheader("Log-Offset")) == (200, str(begin))
        assert len(response.read(3)) == 3
        with log.open("ab") as file:
            file.write(b"one more line\n")
        assert response.read(14) == b"one more line\n"
        journal.record(Phase.CLOSED, task=223)
        assert response.read() == b""


# Events


def test_events_come_as_they_happen_and_go_on_where_a_client_was(tmp_path: Path) -> None:
    sample = write_sample(tmp_path / "state")
    journal = FileJournal(sample.state_dir / JOURNAL)
    with running_server(sample.state_dir, tmp_path / "own") as server:
        with closing(server.connection()) as connection:
            stream = _events(connection, "/events?task=223")
            journal.record(HostEvent.READY)
            journal.record(Phase.UPLOADED, task=223, files=3)
            event = next(stream)
        assert event["data"]["name"] == "uploaded"
        assert event["data"]["details"] == {"files": 3}
        journal.record(Phase.CLOSED, task=223)
        with closing(server.connection()) as connection:
            again = next(_events(connection, "/events?task=223", event["id"]))
            assert again["data"]["name"] == "closed"
            assert again["data"]["number"] == event["data"]["number"] + 1
        with closing(server.connection()) as connection:
            assert next(_events(connection, "/events", "ffff-1"))["event"] == "reset"


def _events(connection: http.client.HTTPConnection, target: str, last: str = "") -> Iterator[dict[str, Any]]:
    connection.request("GET", target, headers={"Last-Event-ID": last} if last else {})
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
    # The server has seen what there was before it says anything.
    assert response.readline().startswith(b"retry:")
    return _parsed(response)


def _parsed(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in iter(response.readline, b""):
        name, _, value = line.decode().strip().partition(": ")
        if name == ":":
            continue
        if name:
            event[name] = json.loads(value) if name == "data" else value
        elif event:
            yield event
            event = {}


# Who may ask


def test_a_page_of_another_host_reads_nothing(server: Server) -> None:
    assert server.ask("/status", Host="attacker.example").status == 421
    assert server.ask("/status", Host="localhost:1").status == 200
    assert server.ask("/status", Host="127.0.0.1.attacker.example").status == 421


def test_a_token_is_asked_for(sample: Sample, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    with running_server(sample.state_dir, tmp_path / "own", f"--token-file={token}") as server:
        refused = server.ask("/status")
        assert (refused.status, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        basic = base64.b64encode(f"somebody:{TOKEN}".encode()).decode()
        for right in (f"Bearer {TOKEN}", f"Basic {basic}"):
            assert server.ask("/status", Authorization=right).status == 200
        for wrong in ("Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Basic ====", f"Digest {TOKEN}"):
            assert server.ask("/status", Authorization=wrong).status == 401
        assert server.ask("/healthz").status == 200
        assert server.ask("/status", Authorization=f"Bearer {TOKEN}", Host="any.example").status == 200
        argv = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert TOKEN.encode() not in argv


def test_others_are_let_in_with_a_token_only(sample: Sample, tmp_path: Path) -> None:
    done = refused_start(sample.state_dir, tmp_path / "own", "--bind=0.0.0.0:0")
    assert done == (
        "koji-adjutant: error: other machines reach 0.0.0.0:0, and there is no token; set monitoring_token_file in"
        " kojid.conf (or give --token-file), or bind 127.0.0.1 or a unix socket\n"
    )


def refused_start(state_dir: Path, own_dir: Path, *options: str) -> str:
    done = subprocess.run(
        argv_for(state_dir, own_dir, *options), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


# Two servers


def test_the_second_server_on_a_port_says_so_and_ends(server: Server, sample: Sample, tmp_path: Path) -> None:
    said = refused_start(sample.state_dir, tmp_path, f"--bind=127.0.0.1:{server.port}")
    assert said.count("\n") == 1
    assert f"monitoring_bind 127.0.0.1:{server.port}: another status server" in said


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "status.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    bind = f"unix:{path}"
    with running_server(sample.state_dir, tmp_path / "own", bind=bind) as server:
        assert server.ask("/status").status == 200
        assert path.stat().st_mode & 0o777 == 0o660
        said = refused_start(sample.state_dir, tmp_path / "own2", f"--bind={bind}")
        assert "another status server" in said
        assert "has it" in refused_start(sample.state_dir, tmp_path / "own", "--bind=127.0.0.1:0")
        path.unlink()
        eventually(path.exists, "the socket is made again")
        eventually(lambda: server.ask("/status").status == 200, "it answers")
    assert not path.exists()


def test_a_server_waits_for_the_daemon_and_follows_what_it_says(tmp_path: Path) -> None:
    """The daemon is started after it; and later it says another place."""
    sample = write_sample(tmp_path / "state")
    facts = public_directory(sample.state_dir) / "monitoring.json"
    facts.unlink()
    first, second = tmp_path / "first.sock", tmp_path / "second.sock"
    argv = argv_for(sample.state_dir, tmp_path / "own")
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            assert "Waiting for the daemon" in process.stderr.readline()
            write_facts(facts, MonitoringFacts(bind=f"unix:{first}"))
            eventually(first.exists, "it listens")
            write_facts(facts, MonitoringFacts(bind=f"unix:{second}"))
            eventually(second.exists, "it listens elsewhere")
            assert not first.exists()
        finally:
            process.terminate()
    assert process.returncode == 0


# Secrets


def test_no_secret_is_in_any_answer(tmp_path: Path) -> None:
    """What is in the state directory beside `public` and the journal is nobody's business."""
    sample = write_sample(tmp_path / "state")
    secret = hashlib.sha256(b"secret").hexdigest()
    for name in ("session", "sessions.json", "kojid.conf", "keytab", "tasks/203.session"):
        (sample.state_dir / name).write_text(secret)
    (public_directory(sample.state_dir) / "logs" / "203" / "secret.log").write_text(secret)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    with running_server(sample.state_dir, tmp_path / "own", f"--token-file={token}") as server:
        right = {"Authorization": f"Bearer {TOKEN}"}
        described = server.ask("/api/v1/openapi.json", **right).json()
        paths = [path for path in described["paths"] if "{" not in path and not path.endswith("/events")]
        ids = [task["id"] for task in server.ask("/tasks", **right).json()["tasks"]]
        targets = [*paths, "/", *(f"/api/v1/tasks/{task}" for task in ids), "/tasks/203/logs/secret.log"]
        targets += ["/api/v1/tasks/203/logs/..%2f..%2f..%2fkojid.conf", "/nothing"]
        for target in targets:
            for accept in ("text/html", "*/*"):
                answer = server.ask(target, Accept=accept, **right)
                shown = answer.body + repr(answer.headers).encode()
                assert not any(one.encode() in shown for one in (secret, TOKEN, digest)), target
