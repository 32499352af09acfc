"""A host with one open task, and what happens on the way to its hub."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, dumps

import koji
import pytest
import requests
from pytest_mock import MockerFixture

from koji_adjutant.config import Config
from koji_adjutant.hub.claim import HubContact, TaskClaim
from koji_adjutant.hub.outage import Pauses
from koji_adjutant.hub.session import HubSession, login, open_session
from tests.hubs import Hub

Post = Callable[..., requests.Response]


@dataclass
class Weather:
    """What happens to the next requests, one after the other; None: nothing."""

    post: Post
    coming: list[Callable[[Post, tuple[Any, ...], dict[str, Any]], requests.Response] | None] = field(
        default_factory=list
    )
    count: int = 0

    def __call__(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.count += 1
        event = self.coming.pop(0) if self.coming else None
        return event(self.post, args, kwargs) if event else self.post(*args, **kwargs)


def refused(_post: Post, _args: Any, _kwargs: Any) -> requests.Response:
    raise requests.ConnectTimeout("nobody there")


def dropped(post: Post, args: Any, kwargs: Any) -> requests.Response:
    post(*args, **kwargs).close()
    raise requests.ConnectionError("reset by peer")


def answering(status: int, content: bytes) -> Callable[..., requests.Response]:
    def answer(_post: Post, args: Any, _kwargs: Any) -> requests.Response:
        made = requests.Response()
        made.status_code = status
        made._content = content
        made._content_consumed = True  # type: ignore[attr-defined]
        made.url = args[0]
        return made

    return answer


def fault(code: int, text: str) -> Callable[..., requests.Response]:
    return answering(200, dumps(Fault(code, text)).encode())


PAGE = answering(200, b"<html><body>We are moving</body>")
WHOLE_PAGE = answering(200, b"<html></html>")
HALF = answering(200, b"<?xml version='1.0'?><methodResponse><params><param><value><arr")
EMPTY = answering(200, b"")
NO_VALUE = answering(200, b"<?xml version='1.0'?><methodResponse><params></params></methodResponse>")
ODD = answering(
    200,
    b"<?xml version='1.0'?><methodResponse><params><param><value><int>x</int></value></param></params>"
    b"</methodResponse>",
)
ERROR = answering(500, b"no")
OFFLINE = fault(1014, "server is offline")
DATABASE = fault(1, "<class 'psycopg2.OperationalError'>: server closed the connection unexpectedly")
OUTAGES = (refused, dropped, PAGE, WHOLE_PAGE, HALF, EMPTY, NO_VALUE, ODD, ERROR, OFFLINE, DATABASE)


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host's main session, and the session of its one open task."""

    hub: Hub
    config: Config
    main: HubSession
    session: HubSession
    task: int
    contact: HubContact

    def upload(self) -> None:
        self.session.upload_chunk(koji.pathinfo.taskrelpath(self.task), "build.log", 0, b"hello")

    def state(self) -> str:
        return str(koji.TASK_STATES[self.hub.admin.getTaskInfo(self.task)["state"]])


@pytest.fixture
def host(hub: Hub, tmp_path: Path) -> Iterator[Host]:
    config = hub.config()
    main = open_session(config, pauses=Pauses(first=0.01, upload=0.0))
    login(main, config)
    task = hub.admin.makeTask("sleep", [1])
    assert main.host.openTask(task)
    session = main.subsession()
    contact = HubContact(tmp_path, 5)
    session.claim = TaskClaim(task=task, host=main.host.getID(), contact=contact)
    yield Host(hub=hub, config=config, main=main, session=session, task=task, contact=contact)
    session.forget()
    main.forget()


@pytest.fixture
def weather(host: Host, mocker: MockerFixture) -> Weather:
    made = Weather(post=requests.Session().post)
    mocker.patch("requests.Session.post", made)
    return made
