"""Build targets: a name for a pair of tags, where a build's packages come from and where it goes."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_name
from koji_adjutant.testbed.hub.rpc.versions import at_event, create_version, revoke_versions
from koji_adjutant.testbed.hub.tags.tags import get_tag


@exposed("createBuildTarget")
def create_build_target(call: Call, name: str, build_tag: Any, dest_tag: Any) -> None:
    call.require_permission("target")
    require_name(name)
    if _find(call, name, None):
        raise koji.GenericError(f"A build target with the name '{name}' already exists")
    tags = _tags(call, build_tag, dest_tag)
    target_id = lookups.find_or_create(call, "build_target", name)["id"]
    create_version(call, "build_target_config", build_target_id=target_id, **tags)


@exposed("editBuildTarget")
def edit_build_target(call: Call, buildTargetInfo: Any, name: str, build_tag: Any, dest_tag: Any) -> None:
    call.require_permission("target")
    require_name(name)
    target = _require(call, buildTargetInfo)
    tags = _tags(call, build_tag, dest_tag)
    if target["name"] != name:
        taken = lookups.id_or_none(call, "build_target", name)
        if taken is not None:
            raise koji.GenericError(f'name "{name}" is already taken by build target {taken}')
        call.db.update("build_target", {"id": target["id"]}, name=name)
    revoke_versions(call, "build_target_config", build_target_id=target["id"])
    create_version(call, "build_target_config", build_target_id=target["id"], **tags)


@exposed("deleteBuildTarget")
def delete_build_target(call: Call, buildTargetInfo: Any) -> None:
    call.require_permission("target")
    target = _require(call, buildTargetInfo)
    revoke_versions(call, "build_target_config", build_target_id=target["id"])


@exposed("getBuildTargets")
def get_build_targets(
    call: Call,
    info: Any = None,
    event: int | None = None,
    buildTagID: Any = None,
    destTagID: Any = None,
    queryOpts: QueryOptions = None,
) -> Any:
    return apply_options(_find(call, info, event, build_tag=buildTagID, dest_tag=destTagID), queryOpts)


@exposed("getBuildTarget")
def get_build_target(call: Call, info: Any, event: int | None = None, strict: bool = False) -> Row | None:
    found = _find(call, info, event)
    if len(found) != 1 and strict:
        raise koji.GenericError(f"No such build target: {info}")
    return found[0] if len(found) == 1 else None


def _find(
    call: Call, info: Any, event: int | None, *, build_tag: Any = None, dest_tag: Any = None
) -> list[Row]:
    conditions, params = [at_event(event)], list[Any]()
    if info:
        column, value = lookups.key_of(info)
        conditions.append(f"build_target.{column} = ?")
        params.append(value)
    for name, tag in (("build_tag", build_tag), ("dest_tag", dest_tag)):
        if tag is not None:
            conditions.append(f"{name} = ?")
            params.append(tag if isinstance(tag, int) else lookups.id_or_none(call, "tag", tag))
    return call.db.all(
        "SELECT build_target.id AS id, build_tag, dest_tag, build_target.name AS name, "
        "source.name AS build_tag_name, destination.name AS dest_tag_name FROM build_target_config "
        "JOIN build_target ON build_target.id = build_target_id "
        "JOIN tag AS source ON source.id = build_tag "
        "JOIN tag AS destination ON destination.id = dest_tag "
        f"WHERE {' AND '.join(conditions)}",
        params,
    )


def _require(call: Call, info: Any) -> Row:
    target = lookups.find(call, "build_target", info)
    if target is None:
        raise koji.GenericError(f"No such build target: {info}")
    return target


def _tags(call: Call, build_tag: Any, dest_tag: Any) -> dict[str, int]:
    found = {}
    for name, kind, info in (("build_tag", "build", build_tag), ("dest_tag", "destination", dest_tag)):
        tag = get_tag(call, info)
        if tag is None:
            raise koji.GenericError(f"{kind} tag '{info}' does not exist")
        found[name] = tag["id"]
    return found
