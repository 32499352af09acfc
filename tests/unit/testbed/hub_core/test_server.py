"""What goes over HTTP: faults and their codes, limits, switches, files, and the process."""

from __future__ import annotations

import gc
import http.client
import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from xmlrpc.client import Fault, dumps, loads

import koji
import pytest

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub_core.conftest import Served, Session


def request(
    url: str, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    target = urlsplit(url)
    with closing(http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)) as connection:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def fetch(
    served: Served, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    return request(served.hub.url, method, path, None, **headers)


@pytest.mark.parametrize(
    ("call", "args", "kind"),
    [
        ("error", (), koji.GenericError),
        ("noSuchMethod", (), koji.GenericError),
        ("getTag", (), koji.ParameterError),
        ("getTag", (1, 2, 3, 4, 5), koji.ParameterError),
        ("getTag", ("x", {"nonsense": 1, "__starstar": True}), koji.ParameterError),
        ("makeTask", ("sleep", []), koji.ActionNotAllowed),
    ],
)
def test_faults_have_kojis_codes(
    served: Served, call: str, args: tuple[Any, ...], kind: type[Exception]
) -> None:
    with pytest.raises(koji.GenericError) as caught:
        served.client().callMethod(call, *args)
    assert type(caught.value) is kind


def test_an_error_that_is_not_kojis_has_code_1(served: Served) -> None:
    with pytest.raises(Fault) as caught:
        served.client().fault()
    assert caught.value.faultCode == 1
    assert "test exception" in caught.value.faultString


def test_a_mistake_in_a_hub_function_is_not_taken_for_wrong_parameters(
    served: Served, admin: Session
) -> None:
    with pytest.raises(Fault) as caught:
        admin.makeTask("sleep", 5)
    assert caught.value.faultCode == 1


def test_every_answer_names_the_hubs_version(served: Served) -> None:
    body = dumps((), "hello").encode()
    _, headers, answer = request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")
    assert headers["Koji-Version"] == served.client().getKojiVersion()
    assert loads(answer)[0] == ("Hello World",)


def test_numbers_nulls_and_times_survive_the_wire(served: Served, admin: Session) -> None:
    sent = [2**40, -(2**40), None, 1.5, "ü", {"a": [None]}, True]
    assert admin.echo(*sent) == sent
    info = admin.getTaskInfo(admin.makeTask("sleep", [0]))
    assert info["create_time"] == "2027-01-15 08:00:00+00:00"
    assert info["create_ts"] == served.clock.now


@pytest.mark.parametrize("body", [b"", b"nonsense", b"<methodResponse/>"])
def test_what_is_no_call_is_a_bad_request(served: Served, body: bytes) -> None:
    assert request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")[0] == 400


def test_a_request_over_four_mebibytes_is_refused(served: Served) -> None:
    body = dumps(("x" * 4 * 1024 * 1024,), "echo").encode()
    status, _, answer = request(served.hub.url, "POST", "/kojihub", body, Content_Type="text/xml")
    assert (status, answer) == (400, b"Invalid request: Request too long\n")


def test_the_hub_wants_posts(served: Served) -> None:
    status, headers, _ = fetch(served, "/kojihub")
    assert (status, headers["Allow"]) == (405, "POST")
    assert fetch(served, "/elsewhere")[0] == 404
    assert request(served.hub.url, "POST", "/elsewhere", b"x")[0] == 404


def test_offline_is_told_to_everybody(served: Served, admin: Session) -> None:
    served.hub.control.go_offline("gone fishing")
    with pytest.raises(koji.ServerOffline, match="gone fishing"):
        admin.hello()
    served.hub.control.go_online()
    assert admin.hello() == "Hello World"


def test_lock_out_spares_administrators_and_logins(served: Served, admin: Session) -> None:
    served.hub.accounts.add_user("user", "user")
    served.hub.control.lock_out()
    user = served.login("user")
    with pytest.raises(koji.ServerOffline, match="maintenance"):
        user.hello()
    assert admin.hello() == "Hello World"
    user.logout()


def test_a_connection_survives_a_refused_upload(served: Served, admin: Session) -> None:
    target = urlsplit(served.hub.url)
    query = "/kojihub?filename=.x&filepath=a&fileverify=adler32&offset=0"
    headers = {
        "Koji-Session-Id": str(admin.sinfo["session-id"]),
        "Koji-Session-Key": admin.sinfo["session-key"],
        "Content-Type": "application/octet-stream",
    }
    with closing(http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)) as connection:
        for _ in range(2):
            connection.request("POST", query, b"y" * 300_000, headers)
            with pytest.raises(Fault, match="Invalid upload filename"):
                loads(connection.getresponse().read())


def test_sessions_in_the_query_string_are_still_known(served: Served, admin: Session) -> None:
    info = admin.sinfo
    query = f"/kojihub?session-id={info['session-id']}&session-key={info['session-key']}&callnum=900"
    body = dumps((), "getLoggedInUser").encode()
    answer: Any = loads(request(served.hub.url, "POST", query, body, Content_Type="text/xml")[2])[0][0]
    assert answer["name"] == "admin"


def test_the_hub_describes_its_methods(served: Served) -> None:
    client = served.client()
    entries = {entry["name"]: entry for entry in client._listapi()}
    assert entries["getTaskInfo"]["args"] == ["task_id", ["request", False], ["strict", False]]
    assert sorted(entries) == client.system.listMethods()
    assert client.system.methodHelp("host.openTask") == "host.openTask(task_id)"


# --- Files


@pytest.fixture
def shelf(served: Served) -> Path:
    """A directory below the topdir with a file of ten bytes."""
    directory = served.hub.topdir / "repos" / "x"
    directory.mkdir()
    (directory / "ten.xml").write_bytes(b"0123456789")
    return directory


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("bytes=2-4", (206, b"234", "bytes 2-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-3", (206, b"789", "bytes 7-9/10")),
        ("bytes=8-99", (206, b"89", "bytes 8-9/10")),
        ("bytes=10-", (416, b"", "bytes */10")),
        ("bytes=0-1,4-5", (200, b"0123456789", None)),
    ],
)
def test_ranges(served: Served, shelf: Path, wanted: str, answer: tuple[int, bytes, str | None]) -> None:
    status, headers, body = fetch(served, "/kojifiles/repos/x/ten.xml", Range=wanted)
    assert (status, body, headers.get("Content-Range")) == answer


def test_head_double_slashes_and_quoting(served: Served, shelf: Path) -> None:
    (shelf / "a b%").write_bytes(b"!")
    status, headers, body = fetch(served, "/kojifiles//repos//x/ten.xml", method="HEAD")
    assert (status, headers["Content-Length"], headers["Content-Type"], body) == (200, "10", "text/xml", b"")
    assert fetch(served, "/kojifiles/repos/x/a%20b%25")[2] == b"!"
    assert fetch(served, "/kojifiles/repos/x/")[2] == b"a b%\nten.xml\n"


def test_links_are_followed_and_nothing_above_the_topdir_is_seen(served: Served, shelf: Path) -> None:
    (shelf / "link").symlink_to(shelf / "ten.xml")
    (shelf / "broken").symlink_to("nowhere")
    (served.hub.directory / "secret").write_text("secret")
    assert fetch(served, "/kojifiles/repos/x/link")[2] == b"0123456789"
    assert fetch(served, "/kojifiles/repos/x/broken")[0] == 404
    for path in ("/kojifiles/../secret", "/kojifiles/repos/%2e%2e/%2e%2e/secret", "/kojifiles/%2e%2e/secret"):
        assert fetch(served, path)[0] == 403
    assert fetch(served, "/kojifilesecret")[0] == 404


def test_files_on_another_address_come_without_the_hub(served: Served, shelf: Path) -> None:
    url = served.hub.serve_files("127.0.0.2")
    assert url.startswith("http://127.0.0.2:")
    assert request(url, "GET", urlsplit(url).path + "/repos/x/ten.xml")[2] == b"0123456789"
    assert request(url, "POST", "/kojihub", dumps((), "hello").encode())[0] == 404


# --- The object and the process


def test_what_a_hub_knows_survives_it(tmp_path: Path) -> None:
    with EmbeddedHub(tmp_path) as hub:
        hub.bootstrap("admin", "first")
        hub.accounts.add_host("b1", "b1", arches=("x86_64",))
        assert (tmp_path / "hub.url").read_text() == f"{hub.url}\n"
    with EmbeddedHub(tmp_path) as hub:
        hub.bootstrap("admin", "second")
        hub.accounts.add_host("b1", "b1", arches=("x86_64", "i686"), channels=("default", "special"))
        session: Any = koji.ClientSession(hub.url, {"user": "admin", "password": "second"})
        session.login()
        assert session.getPerms() == ["admin"]
        assert session.getHost("b1")["arches"] == "x86_64 i686"
        assert [row["name"] for row in session.listChannels("b1")] == ["default", "createrepo", "special"]
        session.logout()
        session._forget()


def test_a_stopped_hub_answers_nobody_and_comes_back(tmp_path: Path) -> None:
    hub = EmbeddedHub(tmp_path).start()
    target = urlsplit(hub.url)
    with closing(http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)) as kept:
        kept.request("POST", "/kojihub", dumps((), "hello"))
        assert kept.getresponse().read()
        hub.stop()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            kept.request("POST", "/kojihub", dumps((), "hello"))
            kept.getresponse()
    with EmbeddedHub(tmp_path, port=target.port or 0) as again:
        assert again.url == urlunsplit(target)


def test_a_stopped_hub_has_no_address(tmp_path: Path) -> None:
    hub = EmbeddedHub(tmp_path)
    for use in (lambda: hub.url, lambda: hub.control, lambda: hub.accounts):
        with pytest.raises(RuntimeError, match="not started"):
            use()


def test_in_the_foreground_until_sigterm(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    host = {"password": "pw", "arches": ["x86_64"]}
    accounts.write_text(json.dumps({"admins": {"boss": "word"}, "hosts": {"b1": host}}))
    argv = [sys.executable, "-m", "koji_adjutant.testbed.hub", f"--dir={tmp_path / 'hub'}"]
    argv += [f"--accounts={accounts}", "--serve-files=127.0.0.2", "--run-interval=0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        files, url = process.stdout.readline().split()[1], process.stdout.readline().strip()
        assert request(files, "GET", urlsplit(files).path + "/work/")[0] == 200
        session: Any = koji.ClientSession(url, {"user": "boss", "password": "word"})
        session.login()
        assert [row["name"] for row in session.listHosts()] == ["b1"]
        session._forget()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_client_that_is_collected_in_the_middle_of_a_call(served: Served, admin: Session) -> None:
    garbage: Any = koji.ClientSession(served.hub.url, {"user": "admin", "password": "admin"})
    garbage.login()
    served._undo.callback(garbage.rsession.close)
    number = garbage.sinfo["session-id"]
    garbage.itself = garbage
    del garbage
    with served.hub.control._dispatcher.transaction() as db:
        assert not gc.isenabled()
        assert db.value("SELECT closed FROM sessions WHERE id = ?", (number,)) is False
    assert gc.isenabled()
    gc.collect()
    assert served.hub.control.rows("SELECT closed FROM sessions WHERE id = ?", (number,)) == [
        {"closed": True}
    ]


def test_a_hub_far_away_is_slow_and_counts_its_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "koji_adjutant.testbed.hub.access")
    with EmbeddedHub(tmp_path / "far", HubOptions(run_interval=0, latency=0.05)) as hub:
        session: Any = koji.ClientSession(hub.url, {})
        began = time.monotonic()
        session.echo("a")
        session.echo("b")
        assert time.monotonic() - began >= 0.1
        session.rsession.close()
    asked = [record.getMessage().rpartition(", ")[0] for record in caplog.records]
    assert asked == ["session -: echo"] * 2
