"""What the protocol tests stand on: the hub under test, and a world of its own for each test.

A world makes users, hosts, channels, tags and tasks under names that nobody has used before, so that the
tests run again and again on a hub that lasts. When a test ends, its tasks are canceled, its hosts disabled,
its sessions closed.
"""

from __future__ import annotations

import itertools
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import koji
import pytest

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub
from tests.contract.hub_backdoor import Backdoor, DatabaseBackdoor

if TYPE_CHECKING:
    from collections.abc import Iterator

# koji.ClientSession, unmodified; untyped because the tests make calls that its types rightly forbid.
Session: TypeAlias = Any

# What hangs shall fail the test, not the run.
CLIENT_OPTIONS = {"max_retries": 0, "timeout": 30}


@dataclass(frozen=True, kw_only=True)
class HubUnderTest:
    url: str
    topdir: Path
    admin: tuple[str, str]
    backdoor: Backdoor

    def session(self, user: str | None = None, password: str | None = None) -> Session:
        return koji.ClientSession(self.url, {"user": user, "password": password, **CLIENT_OPTIONS})


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A host of the test's own, its exclusive session open."""

    name: str
    id: int
    session: Session

    @property
    def host(self) -> Any:
        return self.session.host


@dataclass(kw_only=True)
class World:
    hub: HubUnderTest
    admin: Session
    _last_calls: list[tuple[str, Any]] = field(default_factory=list)
    _sessions: list[Session] = field(default_factory=list)
    _prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def name(self, kind: str) -> str:
        return f"{self._prefix}-{kind}{next(self._numbers)}"

    @cached_property
    def channel(self) -> str:
        """The channel of this world: no other host than this test's is in it."""
        name = self.name("channel")
        self.admin.addChannel(name)
        return name

    def anonymous(self) -> Session:
        return self._kept(self.hub.session())

    def login(self, user: str, password: str | None = None) -> Session:
        """One more login of a user of this world; the password is the name."""
        session = self._kept(self.hub.session(user, user if password is None else password))
        session.login()
        return session

    def child(self, session: Session) -> Session:
        return self._kept(session.subsession())

    def twin(self, session: Session, **sinfo: Any) -> Session:
        """The same login in another client, which never renews it: an expired session shows as such."""
        twin = self._kept(koji.ClientSession(self.hub.url, CLIENT_OPTIONS, sinfo={**session.sinfo, **sinfo}))
        twin.callnum = session.callnum
        twin._renew_session = lambda: None
        return twin

    def user(self) -> str:
        """A user without permissions; the password is the name."""
        name = self.name("user")
        self.admin.createUser(name)
        self.hub.backdoor.set_password(name, name)
        return name

    def host(self, *, arches: str = "x86_64") -> tuple[str, int]:
        """A new host; the password is the name."""
        name = self.name("host")
        host_id: int = self.admin.addHost(name, arches.split())
        self.at_end("disableHost", name)
        self.hub.backdoor.set_password(name, name)
        return name, host_id

    def builder(self, *, arches: str = "x86_64") -> Builder:
        name, host_id = self.host(arches=arches)
        session = self.login(name)
        session.exclusiveSession()
        return Builder(name=name, id=host_id, session=session)

    def ready_builder(self, **data: Any) -> Builder:
        """A builder in this world's channel that the scheduler gives tasks to."""
        builder = self.builder()
        self.admin.editHost(builder.name, capacity=8.0)
        self.admin.addHostToChannel(builder.name, self.channel)
        self.admin.removeHostFromChannel(builder.name, "default")
        builder.host.updateHost(0.0, True, data=data or {"methods": ["sleep"], "maxjobs": 5})
        return builder

    def task(self, method: str = "sleep", arglist: list[Any] | None = None, **options: Any) -> int:
        options.setdefault("channel", self.channel)
        task_id: int = self.admin.makeTask(method, [0] if arglist is None else arglist, **options)
        self.at_end("cancelTask", task_id)
        return task_id

    def open_task(self, builder: Builder, method: str = "sleep", arglist: list[Any] | None = None) -> int:
        task_id = self.task(method, arglist)
        assert builder.host.openTask(task_id)["id"] == task_id
        return task_id

    def tag(self, **options: Any) -> str:
        name = self.name("tag")
        self.admin.createTag(name, arches=options.pop("arches", "x86_64"), **options)
        return name

    def repo(self, builder: Builder, tag: str | None = None) -> int:
        """A repo in state INIT, of a new tag unless one is given."""
        repo_id: int = builder.host.repoInit(self.tag() if tag is None else tag)[0]
        return repo_id

    def external_repo(self) -> dict[str, Any]:
        name = self.name("external")
        repo: dict[str, Any] = self.admin.createExternalRepo(name, f"http://127.0.0.1:9/{name}/")
        return repo

    def refusals(self, task_id: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.admin.scheduler.getTaskRefusals([["task_id", task_id]])
        return rows

    def state(self, task_id: int) -> str:
        state: str = koji.TASK_STATES[self.admin.getTaskInfo(task_id)["state"]]
        return state

    def schedule(self) -> None:
        """Run the scheduler now."""
        assert self.admin.scheduler.doRun(force=True) is True

    def at_end(self, call: str, argument: Any) -> None:
        """A call to make when the test has ended, by the administrator; what it answers does not matter."""
        self._last_calls.append((call, argument))

    def clean_up(self) -> None:
        # One request for everything; each entry may fail for itself. The administrator logs the sessions
        # out because a test may have left them expired, locked out or taken over.
        for session in self._sessions:
            if session.logged_in:
                self.at_end("logout", session.sinfo["session-id"])
        with self.admin.multicall() as batch:
            for call, argument in reversed(self._last_calls):
                getattr(batch, call)(argument)
        for session in self._sessions:
            session._forget()

    def _kept(self, session: Session) -> Session:
        self._sessions.append(session)
        return session


@contextmanager
def new_world(hub: HubUnderTest) -> Iterator[World]:
    with ExitStack() as undo:
        admin = hub.session(*hub.admin)
        undo.callback(admin._forget)
        undo.callback(admin.logout)
        admin.login()
        world = World(hub=hub, admin=admin)
        undo.callback(world.clean_up)
        yield world


@contextmanager
def real_hub(config: pytest.Config) -> Iterator[HubUnderTest]:
    topdir, dsn = config.getoption("--hub-topdir"), config.getoption("--hub-database")
    if not topdir or not dsn:
        raise pytest.UsageError("--hub needs --hub-topdir (to see files) and --hub-database (to age records)")
    user, _, password = config.getoption("--hub-user").partition(":")
    with DatabaseBackdoor.opened(dsn) as backdoor:
        yield HubUnderTest(
            url=config.getoption("--hub"), topdir=Path(topdir), admin=(user, password), backdoor=backdoor
        )


@contextmanager
def embedded_hub(directory: Path) -> Iterator[HubUnderTest]:
    with EmbeddedHub(directory, HubOptions(run_interval=1)) as hub:
        hub.bootstrap("admin", "admin")
        yield HubUnderTest(url=hub.url, topdir=hub.topdir, admin=("admin", "admin"), backdoor=hub.control)


@pytest.fixture(scope="session")
def hub_under_test(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HubUnderTest]:
    real = request.config.getoption("--hub", default=None)
    with real_hub(request.config) if real else embedded_hub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def world(hub_under_test: HubUnderTest) -> Iterator[World]:
    with new_world(hub_under_test) as made:
        yield made
