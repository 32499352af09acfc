"""Files of the hub's web server while that has a bad day."""

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from koji_adjutant.errors import BuildFailed, BuildrootFailed
from koji_adjutant.hub.files import fetch, is_there, may_be_answered_later, through_outages
from koji_adjutant.hub.outage import RetryPolicy

CONTENT = b"an rpm"
QUICK = RetryPolicy(max_retries=4, interval=0.01, offline_retry=False, offline_interval=0.01)


@dataclass
class Server:
    """Answers with what is coming: a status, or less than it announces (0)."""

    url: str = ""
    coming: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = made.coming.pop(0) if made.coming else 200
            made.answers.append(status)
            content = CONTENT if status == 200 else b""
            self.send_response(status or 200)
            self.send_header("Content-Length", str(len(content) or (99 if not status else 0)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        made.url = f"http://127.0.0.1:{http.server_port}/a.rpm"
        yield made
        http.shutdown()
        thread.join()


@pytest.mark.parametrize("coming", [[], [503], [500, 502, 429], [0], [0, 0, 503]])
def test_a_file_is_fetched_through_an_outage(server: Server, coming: list[int]) -> None:
    server.coming = list(coming)
    asked: list[int] = []
    file = io.BytesIO(b"what an earlier attempt left, which is longer")
    fetch(server.url, file, lambda: asked.append(1), policy=QUICK)
    assert file.read() == CONTENT
    assert server.answers == [*coming, 200]
    assert len(asked) == len(coming)


@pytest.mark.parametrize("status", [404, 403])
def test_a_file_that_is_not_there_is_not_waited_for(server: Server, status: int) -> None:
    server.coming = [status]
    with pytest.raises(requests.HTTPError, match=str(status)):
        fetch(server.url, io.BytesIO(), pytest.fail)
    server.coming = [status]
    assert not is_there(server.url, lambda: pytest.fail("asked"))
    assert is_there(server.url, lambda: pytest.fail("asked"))


def test_trouble_that_does_not_pass_while_the_hub_answers_is_an_error(server: Server) -> None:
    server.coming = [503] * 9
    with pytest.raises(requests.HTTPError, match="503"):
        fetch(server.url, io.BytesIO(), lambda: None, policy=QUICK)
    assert len(server.answers) == 5


def test_a_hub_that_is_away_is_waited_for(server: Server) -> None:
    server.coming = [503]
    calls: list[str] = []

    def hub() -> None:
        # As a session's calls do: it returns when the hub is back.
        calls.append("back")

    assert is_there(server.url, hub)
    assert calls == ["back"]


def raising(error: Exception, cause: Exception | None) -> Callable[[], None]:
    def call() -> None:
        raise error from cause

    return call


@pytest.mark.parametrize(
    ("error", "cause", "trouble"),
    [
        (BuildrootFailed("repo 1 cannot be read"), requests.ConnectionError("refused"), True),
        (BuildrootFailed("repo 1 cannot be read"), None, False),
        (BuildrootFailed("repo 1 cannot be read"), BuildFailed("other"), False),
        (requests.exceptions.SSLError("expired"), None, False),
        (requests.exceptions.InvalidURL("no host"), None, False),
        (requests.ReadTimeout("slow"), None, True),
    ],
)
def test_what_may_pass(error: Exception, cause: Exception | None, trouble: bool) -> None:
    asked: list[int] = []
    with pytest.raises(type(error)):
        through_outages(lambda: asked.append(1), raising(error, cause), policy=QUICK)
    assert may_be_answered_later(error) is trouble
    assert len(asked) == (4 if trouble else 0)
