"""A web server of a directory, and buildroot settings for a repo on it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.settings import BuildrootSettings

Answer = Callable[[SimpleHTTPRequestHandler], bool]


class _Handler(SimpleHTTPRequestHandler):
    """Serves files; `answer` may take a request over."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, answer: Answer | None, seen: list[str], **kwargs: Any) -> None:
        self.answer = answer
        self.seen = seen
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.answer is None or not self.answer(self):
            super().do_GET()

    def log_message(self, *_words: object) -> None:
        """Nobody's news."""


@contextmanager
def web(directory: Path, *, answer: Answer | None = None, seen: list[str] | None = None) -> Iterator[str]:
    """The URL of `directory`; the paths that are asked for are added to `seen`."""
    handler = partial(_Handler, directory=str(directory), answer=answer, seen=[] if seen is None else seen)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_for(*urls: str, **options: Any) -> BuildrootSettings:
    """A buildroot of repo 7 of dist-build."""
    known: dict[str, Any] = {
        "tag_id": 2,
        "tag_name": "dist-build",
        "repo_id": 7,
        "event_id": 1,
        "arch": "x86_64",
        "target_arch": "x86_64",
        "group": "build",
        "baseurls": urls,
        "macros": {},
        "environment": {},
    }
    return BuildrootSettings(**{**known, **options})
