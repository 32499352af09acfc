"""Files of the hub's web server, through its outages, which are mostly those of the hub.

A file that the server says it does not have is not there; a server that says nothing, or that it cannot, is waited for.
"""

import logging
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import IO, TypeVar

import requests

from koji_adjutant.errors import TaskFault
from koji_adjutant.host import https
from koji_adjutant.host.files import PARTIAL
from koji_adjutant.hub.outage import Attempts, RetryPolicy
from koji_adjutant.journal.requests import MADE

BLOCK = 1 << 16
_FINAL = (requests.exceptions.SSLError, requests.exceptions.InvalidURL)
RETRY_POLICY = RetryPolicy(max_retries=6, interval=10.0, offline_retry=False, offline_interval=0.0)
"""For files that the web server does not deliver while the hub answers: half a minute, then it is no outage."""

T = TypeVar("T")
AwaitHub = Callable[[], object]
"""A call that returns when the hub answers."""

logger = logging.getLogger("koji.adjutant.hub")


def fetch(url: str, file: IO[bytes], hub: AwaitHub, *, policy: RetryPolicy = RETRY_POLICY) -> None:
    """Write what is at `url` to `file`, from its beginning. requests.RequestException when it is not available."""
    through_outages(hub, lambda: _fetch(url, file), policy=policy)


def fetch_to(url: str, path: Path, hub: AwaitHub) -> None:
    """What is at `url` as the file `path`, which is there when all of it is, and not before.

    requests.RequestException when it cannot be fetched, OSError when it cannot be written.
    """
    partial = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    try:
        with partial.open("xb") as file:
            fetch(url, file, hub)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def is_there(url: str, hub: AwaitHub) -> bool:
    """Whether the server has something at `url`."""
    return through_outages(hub, lambda: _is_there(url))


def through_outages(hub: AwaitHub, call: Callable[[], T], *, policy: RetryPolicy = RETRY_POLICY) -> T:
    """The result of `call`, made again while it fails for a reason of the server's; its last error in the end."""
    attempts = Attempts(policy)
    while True:
        try:
            return call()
        except (requests.RequestException, TaskFault) as error:
            if not may_be_answered_later(error) or not attempts.wait(error):
                raise
            logger.info("trying again: %s", error)
        hub()


def may_be_answered_later(error: BaseException | None) -> bool:
    """Whether the same request may be answered later."""
    if isinstance(error, TaskFault):
        error = error.__cause__
    if not isinstance(error, requests.RequestException) or isinstance(error, _FINAL):
        return False
    status = error.response.status_code if error.response is not None else HTTPStatus.INTERNAL_SERVER_ERROR
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def _fetch(url: str, file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()
    with https.open_session() as http, http.get(url, timeout=https.TIMEOUT, stream=True) as answer:
        answer.raise_for_status()
        for block in answer.iter_content(BLOCK):
            file.write(block)
        MADE.downloaded("network", file.tell())
        announced = answer.headers.get("Content-Length")
        if announced and "Content-Encoding" not in answer.headers and file.tell() < int(announced):
            raise requests.ConnectionError(f"{url} ended after {file.tell()} of {announced} bytes")
    file.flush()
    file.seek(0)


def _is_there(url: str) -> bool:
    with https.open_session() as http, http.head(url, timeout=https.TIMEOUT, allow_redirects=True) as answer:
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            answer.raise_for_status()
        return answer.ok
