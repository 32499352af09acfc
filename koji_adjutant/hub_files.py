"""Files of the hub's web server, through its outages, which are mostly those of the hub.

A file that the server says it does not have is not there; a server that says nothing, or that it cannot, is waited for.
"""

import logging
from collections.abc import Callable
from typing import IO, TypeVar

import requests

from koji_adjutant.errors import TaskFault
from koji_adjutant.hub_outage import Attempts, Endurance

TIMEOUT = (20, 60)
"""Seconds to connect, and between two pieces of an answer."""
BLOCK = 1 << 16
SERVER_ERROR = 500
TOO_MANY = 429
_FINAL = (requests.exceptions.SSLError, requests.exceptions.InvalidURL)
ENDURANCE = Endurance(max_retries=6, interval=10.0, offline_retry=False, offline_interval=0.0)
"""While the hub answers and its files cannot be had: half a minute, and it is more than an outage."""

T = TypeVar("T")
Hub = Callable[[], object]
"""A call that returns when the hub answers."""

logger = logging.getLogger("koji.adjutant.hub")


def fetch(url: str, file: IO[bytes], hub: Hub) -> None:
    """Write what is at `url` to `file`, from its beginning. requests.RequestException when it cannot be had."""
    through_outages(hub, lambda: _fetch(url, file))


def is_there(url: str, hub: Hub) -> bool:
    """Whether the server has something at `url`."""
    return through_outages(hub, lambda: _is_there(url))


def through_outages(hub: Hub, call: Callable[[], T]) -> T:
    """`call`, again while it ends with what is the server's trouble; its last error when that does not pass."""
    attempts = Attempts(ENDURANCE)
    while True:
        try:
            return call()
        except (requests.RequestException, TaskFault) as error:
            if not is_trouble(error) or not attempts.wait(error):
                raise
            logger.info("trying again: %s", error)
        hub()


def is_trouble(error: BaseException | None) -> bool:
    """Whether the same request may be answered later."""
    if isinstance(error, TaskFault):
        error = error.__cause__
    if not isinstance(error, requests.RequestException) or isinstance(error, _FINAL):
        return False
    status = error.response.status_code if error.response is not None else SERVER_ERROR
    return status >= SERVER_ERROR or status == TOO_MANY


def _fetch(url: str, file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()
    with requests.get(url, timeout=TIMEOUT, stream=True) as answer:
        answer.raise_for_status()
        for block in answer.iter_content(BLOCK):
            file.write(block)
        announced = answer.headers.get("Content-Length")
        if announced and "Content-Encoding" not in answer.headers and file.tell() < int(announced):
            raise requests.ConnectionError(f"{url} ended after {file.tell()} of {announced} bytes")
    file.flush()
    file.seek(0)


def _is_there(url: str) -> bool:
    with requests.head(url, timeout=TIMEOUT, allow_redirects=True) as answer:
        if answer.status_code >= SERVER_ERROR:
            answer.raise_for_status()
        return answer.ok
