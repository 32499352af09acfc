"""Builds in and out of tags: who may, and what must be true of package, build and tag."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.builds import COMPLETE, require_build
from koji_adjutant.testbed.hub.builds.notifications import notify_of_tag
from koji_adjutant.testbed.hub.people.users import get_user_perms
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.tags.package_lists import package_list_add
from koji_adjutant.testbed.hub.tags.packages import package_list
from koji_adjutant.testbed.hub.tags.tags import require_tag
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task
from koji_adjutant.testbed.hub.tasks.tasks import get_task, require_task_of_host


@exposed("tagBuild")
def tag_build(call: Call, tag: Any, build: Any, force: bool = False, fromtag: Any = None) -> int:
    """Check, and make a tagBuild task; its id."""
    user_id = call.require_user_id()
    wanted, info = require_build(call, build), require_tag(call, tag)
    from_id = lookups.id_of(call, "tag", fromtag) if fromtag else None
    _require_complete(wanted)
    _require_access(call, info["id"], user_id, force=force)
    if from_id is not None:
        _require_access(call, from_id, user_id, force=force)
    _require_listed(call, info["id"], info["name"], wanted, force=force)
    return make_task(call, "tagBuild", [info["id"], wanted["id"], force, from_id], priority=10)


@exposed("tagBuildBypass")
def tag_build_directly(call: Call, tag: Any, build: Any, force: bool = False, notify: bool = False) -> None:
    """Tag without a task and without looking at the package list."""
    call.require_permission("tag")
    user_id = call.require_user_id()
    _tag(call, require_tag(call, tag), require_build(call, build), user_id, force=force)
    if notify:
        notify_of_tag(call, True, tag, None, build, user_id)


@exposed("untagBuild")
def untag_build(call: Call, tag: Any, build: Any, strict: bool = True, force: bool = False) -> None:
    user_id = call.require_user_id()
    info, wanted = require_tag(call, tag), require_build(call, build)
    _untag(call, info, wanted, user_id, strict=strict, force=force)
    notify_of_tag(call, True, None, tag, build, user_id)


@exposed("untagBuildBypass")
def untag_build_directly(
    call: Call, tag: Any, build: Any, strict: bool = True, force: bool = False, notify: bool = False
) -> None:
    call.require_permission("tag")
    user_id = call.require_user_id()
    _untag(call, require_tag(call, tag), require_build(call, build), user_id, strict=strict, force=force)
    if notify:
        notify_of_tag(call, True, None, tag, build, user_id)


@exposed("host.tagBuild")
def host_tag_build(
    call: Call, task_id: int, tag: Any, build: Any, force: bool = False, fromtag: Any = None
) -> None:
    """Tag as the owner of the task; with `fromtag` the build moves from there."""
    require_task_of_host(call, task_id)
    owner: int = get_task(call, task_id)["owner"]
    wanted, info = require_build(call, build), require_tag(call, tag)
    _require_listed(call, info["id"], tag, wanted, force=force)
    if fromtag:
        _untag(call, require_tag(call, fromtag), wanted, owner, strict=True, force=force)
    _tag(call, info, wanted, owner, force=force)


def _tag(call: Call, tag: Row, build: Row, user_id: int, *, force: bool) -> None:
    _require_access(call, tag["id"], user_id, force=force)
    _require_complete(build)
    where = {"tag_id": tag["id"], "build_id": build["id"]}
    if _revoke(call, user_id, where) and not force:
        raise koji.TagError(f"build {build['nvr']} already tagged ({tag['name']})")
    call.db.insert("tag_listing", **where, create_event=call.new_event(), creator_id=user_id)


def _untag(call: Call, tag: Row, build: Row, user_id: int, *, strict: bool, force: bool) -> None:
    _require_access(call, tag["id"], user_id, force=force)
    if not _revoke(call, user_id, {"tag_id": tag["id"], "build_id": build["id"]}) and strict:
        raise koji.TagError(f"build {build['nvr']} not in tag {tag['name']}")


def _revoke(call: Call, user_id: int, where: Row) -> int:
    """Tag a build as a user who need not be the caller: a builder tags in the task owner's name."""
    return call.db.update(
        "tag_listing",
        {**where, "active": 1},
        active=None,
        revoke_event=call.new_event(),
        revoker_id=user_id,
    )


def _require_complete(build: Row) -> None:
    if build["state"] != COMPLETE:
        raise koji.TagError(f"build {build['nvr']} not complete: state {koji.BUILD_STATES[build['state']]}")


def _require_access(call: Call, tag_id: int, user_id: int, *, force: bool) -> None:
    """A locked tag, or one with a permission, takes changes only from those who may (or admins by force)."""
    permissions = get_user_perms(call, user_id)
    if force and "admin" in permissions:
        return
    tag = require_tag(call, tag_id)
    if tag["locked"]:
        raise koji.ActionNotAllowed("tag is locked")
    if tag["perm"] and tag["perm"] not in permissions:
        raise koji.ActionNotAllowed(f"tag requires {tag['perm']} permission")


def _require_listed(call: Call, tag_id: int, shown: Any, build: Row, *, force: bool) -> None:
    package_id = build["package_id"]
    config = package_list(call, tag_id, package_id=package_id).get(package_id)
    if config is not None and not config["blocked"]:
        return
    if force and call.has_permission("admin"):
        package_list_add(call, tag_id, package_id, force=True, block=False)
    elif config is None:
        raise koji.TagError(f"Package {build['name']} not in list for {shown}")
    else:
        raise koji.TagError(f"Package {build['name']} blocked in {shown}")
