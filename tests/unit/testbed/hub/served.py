"""A served hub with a clock that tests move, and the unmodified client library towards it."""

from __future__ import annotations

import http.client
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import koji
import pytest

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# koji.ClientSession, untyped because the tests make calls that its types rightly forbid.
Session: TypeAlias = Any


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Served:
    """A running hub with the administrator `admin` and the sessions that the test opens."""

    hub: EmbeddedHub
    clock: Clock
    _undo: ExitStack = field(default_factory=ExitStack)

    def client(self, user: str | None = None) -> Session:
        options = {"user": user, "password": user, "max_retries": 0, "offline_retry": False}
        session: Session = koji.ClientSession(self.hub.url, options)
        self._undo.callback(session._forget)
        self._undo.callback(session.rsession.close)
        return session

    def login(self, user: str) -> Session:
        session = self.client(user)
        session.login()
        return session

    def builder(self, name: str, *, ready: bool = True, maxjobs: int = 5, **options: Any) -> Session:
        """The exclusive session of a new host."""
        self.hub.accounts.add_host(name, name, **options)
        session = self.login(name)
        session.exclusiveSession()
        session.host.updateHost(0.0, ready, data={"methods": [], "maxjobs": maxjobs})
        return session


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    clock = Clock()
    with EmbeddedHub(tmp_path / "hub", HubOptions(run_interval=0, clock=clock)) as hub:
        hub.bootstrap("admin", "admin")
        served = Served(hub=hub, clock=clock)
        with served._undo:
            yield served


@pytest.fixture
def admin(served: Served) -> Session:
    return served.login("admin")


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
