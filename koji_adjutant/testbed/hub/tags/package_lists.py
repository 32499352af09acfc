"""Changing a tag's package list: add, block, unblock, remove, owner and extra architectures."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.people.policies import assert_policy
from koji_adjutant.testbed.hub.people.users import require_user
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import arch_list
from koji_adjutant.testbed.hub.rpc.versions import create_version, revoke_versions
from koji_adjutant.testbed.hub.tags.packages import package_list
from koji_adjutant.testbed.hub.tags.tags import require_tag


@exposed("packageListAdd")
def package_list_add(
    call: Call,
    taginfo: Any,
    pkginfo: Any,
    owner: Any = None,
    block: bool | None = None,
    extra_arches: str | None = None,
    force: bool = False,
    update: bool = False,
) -> None:
    """What is left out stays as it was; a blocked package is added only by force."""
    tag = require_tag(call, taginfo)
    package = lookups.find(call, "package", pkginfo)
    if package is None and not isinstance(pkginfo, str):
        raise koji.GenericError(f"No such package: {pkginfo}")
    owner_id = None if owner is None else require_user(call, owner)["id"]
    _require_access(call, force=force)
    package = package or lookups.find_or_create(call, "package", pkginfo)
    arches = None if extra_arches is None else arch_list(extra_arches)
    now = package_list(call, tag["id"], package_id=package["id"], owners=True).get(package["id"])
    if now is None:
        if update and not force:
            raise koji.GenericError(
                f"cannot update: tag {tag['name']} has no data for package {package['name']}"
            )
        blocked = bool(block)
    else:
        owner_id = now["owner_id"] if owner_id is None else owner_id
        blocked = now["blocked"] if block is None else bool(block)
        arches = now["extra_arches"] if arches is None else arches
        same = (blocked, arches, owner_id) == (now["blocked"], now["extra_arches"], now["owner_id"])
        if same and not force:
            return
        if now["blocked"] and not blocked and not force:
            raise koji.GenericError(f"package {package['name']} is blocked in tag {tag['name']}")
    if owner_id is None:
        if not force:
            raise koji.GenericError("owner not specified")
        owner_id = call.require_user_id()
    _write(call, tag["id"], package["id"], owner_id=owner_id, blocked=blocked, arches=arches)


@exposed("packageListRemove")
def package_list_remove(call: Call, taginfo: Any, pkginfo: Any, force: bool = False) -> None:
    tag, package = require_tag(call, taginfo), lookups.find_strictly(call, "package", pkginfo)
    _require_access(call, force=force)
    revoke_versions(call, "tag_packages", tag_id=tag["id"], package_id=package["id"])


@exposed("packageListBlock")
def package_list_block(call: Call, taginfo: Any, pkginfo: Any, force: bool = False) -> None:
    tag, package = require_tag(call, taginfo), lookups.find_strictly(call, "package", pkginfo)
    if not package_list(call, tag["id"], package_id=package["id"]):
        raise koji.GenericError(f"Package {package['name']} is not in tag listing for {tag['name']}")
    package_list_add(call, tag["id"], package["id"], block=True, force=force)


@exposed("packageListUnblock")
def package_list_unblock(call: Call, taginfo: Any, pkginfo: Any, force: bool = False) -> None:
    tag, package = require_tag(call, taginfo), lookups.find_strictly(call, "package", pkginfo)
    _require_access(call, force=force)
    now = _entry(call, tag, package)
    if now is None:
        raise koji.GenericError(
            f"no data (blocked or otherwise) for package {package['name']} in tag {tag['name']}"
        )
    if not now["blocked"]:
        raise koji.GenericError(f"package {package['name']} NOT blocked in tag {tag['name']}")
    if now["tag_id"] == tag["id"]:
        revoke_versions(call, "tag_packages", tag_id=tag["id"], package_id=package["id"])
        inherited = _entry(call, tag, package)
        if inherited is not None and not inherited["blocked"]:
            return
    _write(
        call,
        tag["id"],
        package["id"],
        owner_id=now["owner_id"],
        blocked=False,
        arches=now["extra_arches"],
    )


@exposed("packageListSetOwner")
def package_list_set_owner(call: Call, taginfo: Any, pkginfo: Any, owner: Any, force: bool = False) -> None:
    package_list_add(call, taginfo, pkginfo, owner=owner, force=force, update=True)


@exposed("packageListSetArches")
def package_list_set_arches(call: Call, taginfo: Any, pkginfo: Any, arches: str, force: bool = False) -> None:
    package_list_add(call, taginfo, pkginfo, extra_arches=arches, force=force, update=True)


def _entry(call: Call, tag: Row, package: Row) -> Row | None:
    return package_list(call, tag["id"], package_id=package["id"], owners=True).get(package["id"])


def _require_access(call: Call, *, force: bool) -> None:
    assert_policy(call, "package_list", {"user_id": call.require_user_id()}, force=force)


def _write(
    call: Call, tag_id: int, package_id: int, *, owner_id: int, blocked: bool, arches: str | None
) -> None:
    where = {"tag_id": tag_id, "package_id": package_id}
    revoke_versions(call, "tag_packages", **where)
    create_version(call, "tag_packages", **where, blocked=blocked, extra_arches=arches)
    revoke_versions(call, "tag_package_owners", **where)
    create_version(call, "tag_package_owners", **where, owner=owner_id)
