"""Who is told of builds and tags: subscribers, builders and owners, but nobody who does not want it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import koji
import pytest

from tests.unit.testbed.hub.builds.begun import begin, data
from tests.unit.testbed.hub.tags.tagged_builds import tag_by_task

if TYPE_CHECKING:
    from koji_adjutant.testbed.hub.options import HubOptions
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


def options(hub: ContentHub, **changes: Any) -> None:
    current: HubOptions = hub.dispatcher._options
    hub.dispatcher._options = replace(current, **changes)


@pytest.fixture
def mailing(hub: ContentHub) -> ContentHub:
    """Of `dist`, which inherits `base`, hello is of user carol."""
    options(hub, email_domain="example.org", koji_web_url="http://web")
    for name in ("alice", "bob", "carol"):
        hub.user(name)
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.admin.createBuildTarget("target", "base", "dist")
    hub.admin.packageListAdd("base", "hello", "carol")
    return hub


def told(hub: ContentHub, method: str) -> list[list[Any]]:
    """The requests of the tasks of that method."""
    tasks = hub.admin.listTasks({"method": method, "decode": True}, {"order": "id"})
    return [task["request"] for task in tasks]


def build_task(hub: ContentHub, builder: Caller, owner: str = "bob", target: str | None = "target") -> int:
    task: int = hub.user(owner).build("cli-build/x/hello.src.rpm", target, {})
    builder.host.openTask(task)
    return task


def fail(hub: ContentHub, builder: Caller, **changes: Any) -> int:
    task = build_task(hub, builder, **changes)
    build: int = builder.host.initBuild(data(task))
    builder.host.failBuild(task, build)
    return build


def test_a_complete_build(mailing: ContentHub, builder: Caller, hello: Built) -> None:
    task = build_task(mailing, builder)
    build = builder.host.initBuild(hello.build_data(task))
    srpm, *rpms = mailing.upload(task, hello.srpm, *hello.rpms)
    builder.host.completeBuild(task, build, srpm, rpms)
    ((recipients, shown, target, web),) = told(mailing, "buildNotification")
    assert recipients == ["bob@example.org", "carol@example.org"]
    assert (shown["id"], shown["nvr"], shown["owner_name"]) == (build, hello.nvr, "bob")
    assert shown["state"] == koji.BUILD_STATES["COMPLETE"]
    assert (target, web) == (mailing.admin.getBuildTarget("target"), "http://web")
    (made,) = mailing.admin.listTasks({"method": "buildNotification"})
    assert (made["owner"], made["state"], made["parent"]) == (
        builder.session.user_id,
        koji.TASK_STATES["FREE"],
        None,
    )


def test_a_failed_build(mailing: ContentHub, builder: Caller) -> None:
    fail(mailing, builder)
    ((recipients, shown, *_),) = told(mailing, "buildNotification")
    assert recipients == ["bob@example.org", "carol@example.org"]
    assert shown["state"] == koji.BUILD_STATES["FAILED"]


@pytest.mark.parametrize("by", ["build", "task"])
def test_a_canceled_build_is_told_by_who_has_canceled_it(
    mailing: ContentHub, builder: Caller, by: str
) -> None:
    task = build_task(mailing, builder)
    build = builder.host.initBuild(data(task))
    if by == "build":
        mailing.admin.cancelBuild(build)
    else:
        mailing.admin.cancelTask(task)
    ((_, shown, *_),) = told(mailing, "buildNotification")
    assert shown["state"] == koji.BUILD_STATES["CANCELED"]
    (made,) = mailing.admin.listTasks({"method": "buildNotification"})
    assert made["owner"] == mailing.admin.session.user_id


def test_without_a_target_nobody_owns_the_package(mailing: ContentHub, builder: Caller) -> None:
    fail(mailing, builder, target=None)
    ((recipients, _, target, _),) = told(mailing, "buildNotification")
    assert (recipients, target) == (["bob@example.org"], None)


def test_owners_that_are_not_told(mailing: ContentHub, builder: Caller) -> None:
    mailing.admin.disableUser("carol")
    fail(mailing, builder)
    mailing.admin.enableUser("carol")
    mailing.admin.packageListBlock("dist", "hello")
    fail(mailing, builder)
    assert [request[0] for request in told(mailing, "buildNotification")] == [["bob@example.org"]] * 2


@pytest.mark.parametrize(
    ("wanted", "is_told"),
    [
        ((None, None, False), True),
        (("hello", "dist", False), True),
        (("hello", None, False), True),
        ((None, "dist", False), True),
        (("other", None, False), False),
        ((None, "base", False), False),
        ((None, None, True), False),
    ],
)
def test_subscribers_of_a_failed_build(
    mailing: ContentHub, builder: Caller, wanted: tuple[Any, ...], is_told: bool
) -> None:
    mailing.listed("base", "other")
    mailing.user("alice").createNotification("alice", *wanted)
    fail(mailing, builder)
    ((recipients, *_),) = told(mailing, "buildNotification")
    assert ("alice@example.org" in recipients) is is_told


def test_who_wants_none_gets_none(mailing: ContentHub, builder: Caller) -> None:
    for name in ("alice", "bob", "carol"):
        mailing.user(name).createNotification(name, None, None, False)
    mailing.user("alice").createNotificationBlock("alice", "hello", "dist")
    mailing.user("bob").createNotificationBlock("bob")
    mailing.user("carol").createNotificationBlock("carol", None, "base")
    fail(mailing, builder)
    ((recipients, *_),) = told(mailing, "buildNotification")
    assert recipients == ["carol@example.org"]


def test_success_may_be_for_subscribers_only(mailing: ContentHub, hello: Built) -> None:
    options(mailing, notify_on_success=False)
    mailing.complete_build(hello)
    assert told(mailing, "buildNotification") == []
    mailing.user("alice").createNotification("alice", None, None, True)
    tag_by_task(mailing, "dist", hello.nvr)
    mailing.host().host.tagNotification(True, "dist", None, hello.nvr, "bob")
    ((recipients, *_),) = told(mailing, "tagNotification")
    assert recipients == ["alice@example.org"]


def test_what_a_builder_says_of_tags(mailing: ContentHub, builder: Caller, hello: Built) -> None:
    build = mailing.complete_build(hello)
    bob = mailing.admin.getUser("bob")["id"]
    ours = ["admin@example.org", "carol@example.org"]
    builder.host.tagNotification(True, "dist", "base", build, "bob", False)
    builder.host.tagNotification(False, "dist", None, build, bob, True, "it said no")
    builder.host.tagNotification(True, "dist", None, build, bob, True)
    builder.host.tagNotification(True, "dist", None, 999, bob)
    builder.host.tagNotification(True, "nothing", None, build, bob)
    assert told(mailing, "tagNotification") == [
        [ours, True, "dist", "base", build, bob, False, ""],
        [ours, False, "dist", None, build, bob, True, "it said no"],
    ]
    with pytest.raises(koji.AuthError):
        mailing.admin.host.tagNotification(True, "dist", None, build, bob)


def test_tags_without_a_task(mailing: ContentHub, hello: Built) -> None:
    admin = mailing.admin
    mailing.complete_build(hello)
    admin.tagBuildBypass("dist", hello.nvr)
    admin.untagBuildBypass("dist", hello.nvr)
    assert told(mailing, "tagNotification") == []
    admin.tagBuildBypass("dist", hello.nvr, notify=True)
    admin.untagBuildBypass("dist", hello.nvr, notify=True)
    admin.tagBuildBypass("dist", hello.nvr)
    admin.untagBuild("dist", hello.nvr)
    assert [request[1:4] for request in told(mailing, "tagNotification")] == [
        [True, "dist", None],
        [True, None, "dist"],
        [True, None, "dist"],
    ]


def test_a_hub_that_tells_nobody(mailing: ContentHub, builder: Caller, hello: Built) -> None:
    options(mailing, disable_notifications=True)
    mailing.complete_build(hello)
    fail(mailing, builder)
    mailing.admin.cancelBuild(begin(mailing, builder, version="3"))
    builder.host.tagNotification(True, "dist", None, hello.nvr, "bob")
    mailing.admin.tagBuildBypass("dist", hello.nvr, notify=True)
    mailing.admin.untagBuild("dist", hello.nvr)
    assert told(mailing, "buildNotification") == told(mailing, "tagNotification") == []
