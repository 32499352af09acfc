"""Package groups of tags: what a buildroot starts with (`build`, `srpm-build`), inherited like packages."""

from collections.abc import Iterable
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import sliced
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions
from koji_adjutant.testbed.hub.tags.inheritance import ancestors
from koji_adjutant.testbed.hub.tags.tags import require_tag

_GROUP_COLUMNS = (
    "name, group_id, tag_id, blocked, exported, display_name, is_default, uservisible, "
    "description, langonly, biarchonly"
)
_GROUP_SETTINGS = (
    "exported",
    "display_name",
    "is_default",
    "uservisible",
    "description",
    "langonly",
    "biarchonly",
    "blocked",
)
_PACKAGE_COLUMNS = "group_id, tag_id, package, blocked, type, basearchonly, requires"
_PACKAGE_SETTINGS = ("type", "basearchonly", "requires")


@exposed("groupListAdd")
def group_list_add(
    call: Call, taginfo: Any, grpinfo: Any, block: bool = False, force: bool = False, **opts: Any
) -> None:
    call.require_permission("tag")
    tag = require_tag(call, taginfo)
    group = lookups.find_or_create(call, "groups", grpinfo)
    wanted = sliced(opts, _GROUP_SETTINGS) | {"blocked": bool(block)}
    now = read_groups(call, tag["id"], packages=False).get(group["id"])
    if now is not None:
        if now["blocked"] and not force:
            raise koji.GenericError(f"group {group['name']} is blocked in tag {tag['name']}")
        settings = sliced(now, _GROUP_SETTINGS)
        if settings | wanted == settings:
            return
        wanted = settings | wanted
    defaults = {"display_name": group["name"], "biarchonly": False, "exported": True, "uservisible": True}
    revoke_versions(call, "group_config", group_id=group["id"], tag_id=tag["id"])
    create_version(call, "group_config", **(defaults | wanted), group_id=group["id"], tag_id=tag["id"])


@exposed("groupListRemove")
def group_list_remove(call: Call, taginfo: Any, grpinfo: Any, force: bool = False) -> None:
    call.require_permission("tag")
    tag, group = require_tag(call, taginfo), lookups.find_strictly(call, "groups", grpinfo)
    removed = revoke_versions(call, "group_config", group_id=group["id"], tag_id=tag["id"])
    if not removed and not force:
        raise koji.GenericError(f"No group: {group['name']} found for tag: {tag['name']}")
    revoke_versions(call, "group_package_listing", group_id=group["id"], tag_id=tag["id"])
    revoke_versions(call, "group_req_listing", group_id=group["id"], tag_id=tag["id"])


@exposed("groupListBlock")
def group_list_block(call: Call, taginfo: Any, grpinfo: Any) -> None:
    group_list_add(call, taginfo, grpinfo, block=True)


@exposed("groupPackageListAdd")
def group_package_list_add(
    call: Call,
    taginfo: Any,
    grpinfo: Any,
    pkg_name: str,
    block: bool = False,
    force: bool = False,
    **opts: Any,
) -> None:
    call.require_permission("tag")
    tag = lookups.find_strictly(call, "tag", taginfo)
    group = lookups.find_strictly(call, "groups", grpinfo)
    config = read_groups(call, tag["id"]).get(group["id"])
    if config is None:
        raise koji.GenericError(f"group {group['name']} not present in tag {tag['name']}")
    if config["blocked"]:
        raise koji.GenericError(f"group {group['name']} is blocked in tag {tag['name']}")
    wanted = sliced(opts, _PACKAGE_SETTINGS)
    now = config["packagelist"].get(pkg_name)
    if now is not None:
        if now["blocked"] and not force:
            raise koji.GenericError(f"package {pkg_name} blocked in group {group['name']}, tag {tag['name']}")
        settings = sliced(now, _PACKAGE_SETTINGS)
        if settings | wanted == settings and not (block or force):
            return
        wanted = settings | wanted
    where = {"group_id": group["id"], "tag_id": tag["id"], "package": pkg_name}
    revoke_versions(call, "group_package_listing", **where)
    create_version(
        call, "group_package_listing", **({"type": "mandatory"} | wanted | where), blocked=bool(block)
    )


@exposed("groupPackageListRemove")
def group_package_list_remove(call: Call, taginfo: Any, grpinfo: Any, pkg_name: str) -> None:
    call.require_permission("tag")
    tag_id = lookups.id_of(call, "tag", taginfo)
    group_id = lookups.id_of(call, "groups", grpinfo)
    revoke_versions(call, "group_package_listing", group_id=group_id, tag_id=tag_id, package=pkg_name)


@exposed("groupPackageListBlock")
def group_package_list_block(call: Call, taginfo: Any, grpinfo: Any, pkg_name: str) -> None:
    group_package_list_add(call, taginfo, grpinfo, pkg_name, block=True)


@exposed("groupReqListAdd")
def group_req_list_add(
    call: Call, taginfo: Any, grpinfo: Any, reqinfo: Any, block: bool = False, **opts: Any
) -> None:
    """Make one group of a tag require another."""
    call.require_permission("tag")
    tag = lookups.find_strictly(call, "tag", taginfo)
    group = lookups.find_strictly(call, "groups", grpinfo)
    required = lookups.find_strictly(call, "groups", reqinfo)
    config = read_groups(call, tag["id"]).get(group["id"])
    if config is None or config["blocked"]:
        raise koji.GenericError(f"group {group['name']} not present in tag {tag['name']}")
    where = {"group_id": group["id"], "tag_id": tag["id"], "req_id": required["id"]}
    settings = {"type": "mandatory"} | sliced(opts, ("type", "is_metapkg"))
    revoke_versions(call, "group_req_listing", **where)
    create_version(call, "group_req_listing", **where, **settings, blocked=bool(block))


@exposed("getTagGroups")
def get_tag_groups(
    call: Call,
    tag: Any,
    event: int | None = None,
    inherit: bool = True,
    incl_pkgs: bool = True,
    incl_reqs: bool = True,
    incl_blocked: bool = False,
) -> list[Row]:
    tag_id = lookups.id_of(call, "tag", tag)
    groups = read_groups(call, tag_id, event, inherit=inherit, packages=incl_pkgs)
    if incl_reqs:
        _add_requirements(call, groups, ancestors(call, tag_id, event, inherit=inherit), event)
    for group in groups.values():
        for members in ("packagelist", "grouplist"):
            if members in group:
                group[members] = _shown(group[members].values(), blocked=incl_blocked)
    return _shown(groups.values(), blocked=incl_blocked)


def read_groups(
    call: Call, tag_id: int, event: int | None = None, *, inherit: bool = True, packages: bool = True
) -> dict[int, Row]:
    """A tag's groups by id, blocked ones included, each with its packages by name as `packagelist`."""
    tags = ancestors(call, tag_id, event, inherit=inherit)
    groups: dict[int, Row] = {}
    for tag in tags:
        for row in _rows(call, _GROUP_COLUMNS, "group_config JOIN groups ON id = group_id", tag, event):
            groups.setdefault(row["group_id"], row)
    if packages:
        for group in groups.values():
            group["packagelist"] = {}
        for tag in tags:
            for row in _rows(call, _PACKAGE_COLUMNS, "group_package_listing", tag, event):
                home = groups.get(row["group_id"])
                if home is not None and not home["blocked"]:
                    home["packagelist"].setdefault(row["package"], row)
    return groups


def _add_requirements(call: Call, groups: dict[int, Row], tags: Iterable[int], event: int | None) -> None:
    for group in groups.values():
        group["grouplist"] = {}
    columns = "group_id, tag_id, req_id, blocked, type, is_metapkg, name"
    for tag in tags:
        for row in _rows(call, columns, "group_req_listing JOIN groups ON id = req_id", tag, event):
            home, required = groups.get(row["group_id"]), groups.get(row["req_id"])
            if home and required and not home["blocked"] and not required["blocked"]:
                home["grouplist"].setdefault(row["req_id"], row)


def _rows(call: Call, columns: str, tables: str, tag_id: int, event: int | None) -> list[Row]:
    return call.db.all(
        f"SELECT {columns} FROM {tables} WHERE tag_id = ? AND {at_event(event)}",
        (tag_id,),
    )


def _shown(rows: Iterable[Row], *, blocked: bool) -> list[Row]:
    return [row for row in rows if blocked or not row["blocked"]]
