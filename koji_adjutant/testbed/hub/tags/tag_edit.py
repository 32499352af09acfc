"""Making, changing and deleting tags. A change revokes the old configuration and adds the new one."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import arch_list, require_name, require_type, sliced
from koji_adjutant.testbed.hub.rpc.versions import create_version, revoke_versions
from koji_adjutant.testbed.hub.tags import inheritance
from koji_adjutant.testbed.hub.tags.tags import get_tag, require_tag

CONFIGURATION = ("perm_id", "arches", "locked", "maven_support", "maven_include_all")
# What makes up a tag; all of it is revoked with the tag.
PARTS = (
    "tag_config",
    "tag_extra",
    "tag_inheritance",
    "tag_packages",
    "tag_package_owners",
    "tag_listing",
    "tag_external_repos",
    "group_config",
    "group_package_listing",
    "group_req_listing",
)


@exposed("createTag")
def create_tag(
    call: Call,
    name: str,
    parent: Any = None,
    arches: str | None = None,
    perm: Any = None,
    locked: bool = False,
    maven_support: bool = False,
    maven_include_all: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> int:
    call.require_permission("tag")
    require_name(name)
    if maven_support or maven_include_all:
        raise koji.GenericError("Maven support not enabled")
    if get_tag(call, name) is not None:
        raise koji.GenericError(f"A tag with the name '{name}' already exists")
    parent_tag = get_tag(call, parent) if parent else None
    if parent and parent_tag is None:
        raise koji.GenericError(f"Parent tag '{parent}' could not be found")
    tag_id: int = lookups.find_or_create(call, "tag", name)["id"]
    create_version(
        call,
        "tag_config",
        tag_id=tag_id,
        arches=arch_list(arches),
        perm_id=None if perm is None else lookups.id_of(call, "permissions", perm),
        locked=bool(locked),
    )
    for key, value in (extra or {}).items():
        _set_extra(call, tag_id, key, json.dumps(value))
    if parent_tag is not None:
        inheritance.write_links(call, tag_id, [inheritance.plain_link(parent_tag["id"])])
    return tag_id


@exposed("editTag2")
def edit_tag(call: Call, tagInfo: Any, **changes: Any) -> None:
    call.require_permission("tag")
    if {"maven_support", "maven_include_all"} & set(changes):
        raise koji.GenericError("Maven support not enabled")
    for name in ("remove_extra", "block_extra"):
        if changes.get(name):
            require_type(changes[name], list)
    tag = require_tag(call, tagInfo)
    if "perm" in changes and "perm_id" not in changes:
        changes["perm_id"] = changes["perm"]
    if changes.get("perm_id") is not None:
        changes["perm_id"] = lookups.id_of(call, "permissions", changes["perm_id"])
    if changes.get("arches"):
        changes["arches"] = arch_list(changes["arches"])
    if changes.get("name") and changes["name"] != tag["name"]:
        _rename(call, tag["id"], changes["name"])
    _configure(call, tag, changes)
    _edit_extra(call, tag, changes)


@exposed("deleteTag")
def delete_tag(call: Call, tagInfo: Any) -> None:
    call.require_permission("tag")
    tag = require_tag(call, tagInfo)
    for table in PARTS:
        revoke_versions(call, table, tag_id=tag["id"])
    revoke_versions(call, "tag_inheritance", parent_id=tag["id"])
    for column in ("build_tag", "dest_tag"):
        revoke_versions(call, "build_target_config", **{column: tag["id"]})


def _rename(call: Call, tag_id: int, name: str) -> None:
    require_name(name)
    taken = lookups.id_or_none(call, "tag", name)
    if taken is not None:
        raise koji.GenericError(f"Name {name} already taken by tag {taken}")
    call.db.update("tag", {"id": tag_id}, name=name)


def _configure(call: Call, tag: Row, changes: Mapping[str, Any]) -> None:
    now = sliced(tag, CONFIGURATION)
    wanted = now | sliced(dict(changes), CONFIGURATION)
    if wanted == now:
        return
    revoke_versions(call, "tag_config", tag_id=tag["id"])
    create_version(call, "tag_config", tag_id=tag["id"], **wanted)


def _edit_extra(call: Call, tag: Row, changes: Mapping[str, Any]) -> None:
    wanted: Mapping[str, Any] = changes.get("extra") or {}
    blocked: Iterable[str] = changes.get("block_extra") or ()
    removed: Iterable[str] = changes.get("remove_extra") or ()
    for key in (*blocked, *removed):
        if key in wanted:
            raise koji.GenericError(f"Can not both add/update and remove tag-extra: '{key}'")
    missing = [key for key in removed if key not in tag["extra"]]
    if missing:
        raise koji.GenericError(f"Tag: {tag['name']} doesn't have extra: {', '.join(missing)}")
    for key, value in wanted.items():
        if key not in tag["extra"] or tag["extra"][key] != value:
            _set_extra(call, tag["id"], key, json.dumps(value))
    for key in blocked:
        _set_extra(call, tag["id"], key, None)
    for key in removed:
        revoke_versions(call, "tag_extra", tag_id=tag["id"], key=key)


def _set_extra(call: Call, tag_id: int, key: str, value: str | None) -> None:
    revoke_versions(call, "tag_extra", tag_id=tag_id, key=key)
    create_version(call, "tag_extra", tag_id=tag_id, key=key, value=value)
