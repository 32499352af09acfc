"""A hub without a server: the functions as clients call them, their answers as they cross the wire."""

from __future__ import annotations

import xmlrpc.client
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import koji
from koji import xmlrpcplus

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.people.accounts import Accounts
from koji_adjutant.testbed.hub.rpc.call import Session
from koji_adjutant.testbed.hub.rpc.dispatch import Dispatcher
from koji_adjutant.testbed.hub.rpc.registry import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from koji_adjutant.testbed.hub.rpc.database import Database
    from tests.unit.testbed.hub.rpm_packages import Built

START = 1_700_000_000.0


@dataclass(kw_only=True)
class Clock:
    now: float = START

    def __call__(self) -> float:
        """A second passes between any two looks at it, so that nothing happens at the same time."""
        self.now += 1
        return self.now


@dataclass(frozen=True, kw_only=True)
class Method:
    """`caller.host.newBuildRoot(...)`: one transaction, undone by a fault."""

    dispatcher: Dispatcher
    session: Session
    name: str

    def __getattr__(self, name: str) -> Method:
        return Method(dispatcher=self.dispatcher, session=self.session, name=f"{self.name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        request = xmlrpcplus.dumps(koji.encode_args(*args, **kwargs), methodname=self.name)
        with self.dispatcher.transaction():
            call = self.dispatcher.local_call(self.session)
            result = invoke(call, self.name, xmlrpc.client.loads(request)[0])
            answer = xmlrpcplus.dumps((result,), methodresponse=True)
        return xmlrpc.client.loads(answer)[0][0]


@dataclass(frozen=True, kw_only=True)
class Caller:
    dispatcher: Dispatcher
    session: Session

    def __getattr__(self, name: str) -> Method:
        return Method(dispatcher=self.dispatcher, session=self.session, name=name)


@dataclass(kw_only=True)
class ContentHub:
    topdir: Path
    db: Database
    clock: Clock = field(default_factory=Clock)
    dispatcher: Dispatcher = field(init=False)

    def __post_init__(self) -> None:
        self.db.create_schema()
        options = HubOptions(clock=self.clock)
        self.dispatcher = Dispatcher(self.db, options, koji.PathInfo(topdir=str(self.topdir)))
        Accounts(self.dispatcher).add_user("admin", "", permissions=["admin"])

    @property
    def admin(self) -> Caller:
        return self.user("admin")

    @property
    def anonymous(self) -> Caller:
        return Caller(dispatcher=self.dispatcher, session=Session())

    def user(self, name: str) -> Caller:
        user_id = Accounts(self.dispatcher).add_user(name, "")
        return Caller(dispatcher=self.dispatcher, session=Session(user_id=user_id, username=name))

    def host(self, name: str = "builder") -> Caller:
        host_id = Accounts(self.dispatcher).add_host(name, "")
        session = Session(
            user_id=self.db.value("SELECT user_id FROM host WHERE id = ?", (host_id,)),
            username=name,
            host_id=host_id,
            exclusive=True,
        )
        return Caller(dispatcher=self.dispatcher, session=session)

    def task(self, builder: Caller, method: str = "build", owner: Caller | None = None) -> int:
        """A task that is open on the builder."""
        task_id: int = self.admin.makeTask(method, ["source", "target", {}])
        if owner is not None:
            with self.dispatcher.transaction():
                self.db.update("task", {"id": task_id}, owner=owner.session.user_id)
        builder.host.openTask(task_id)
        return task_id

    def buildroot(self, builder: Caller, repo: int) -> int:
        """A buildroot of a new task."""
        task_id = self.task(builder, "buildArch")
        buildroot_id: int = builder.host.newBuildRoot(repo, "x86_64", task_id=task_id)
        return buildroot_id

    def tag(self, name: str = "dist", **options: Any) -> int:
        tag_id: int = self.admin.createTag(name, arches=options.pop("arches", "x86_64"), **options)
        return tag_id

    def upload(self, task_id: int, *files: Path) -> list[str]:
        """Put files where a builder's uploads for the task go; their paths as the hub is told them."""
        directory = self.topdir / "work" / koji.PathInfo().taskrelpath(task_id)
        directory.mkdir(parents=True, exist_ok=True)
        for file in files:
            (directory / file.name).write_bytes(file.read_bytes())
        return [f"{koji.PathInfo().taskrelpath(task_id)}/{file.name}" for file in files]

    def complete_build(self, built: Built, *, builder: Caller | None = None) -> int:
        """A whole build of these packages, without logs or buildroot; its id."""
        builder = builder or self.host()
        task_id = self.task(builder)
        build_id: int = builder.host.initBuild(built.build_data(task_id))
        srpm, *rpms = self.upload(task_id, built.srpm, *built.rpms)
        builder.host.completeBuild(task_id, build_id, srpm, rpms)
        return build_id

    def listed(self, tag: str, *packages: str) -> None:
        for package in packages:
            self.admin.packageListAdd(tag, package, "admin")
