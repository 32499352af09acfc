"""Rpms: those that builds of this hub made, and the external ones that buildroots had in them."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import sliced

_COLUMNS = (
    "rpminfo.id AS id, build_id, rpminfo.buildroot_id AS buildroot_id, rpminfo.name AS name, version, "
    "release, epoch, arch, draft, external_repo_id, external_repo.name AS external_repo_name, "
    "payloadhash, size, buildtime, metadata_only, extra"
)
_TABLES = "rpminfo JOIN external_repo ON external_repo.id = external_repo_id"
# What a builder has to say of an external rpm, and of which type.
_EXTERNAL_FIELDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "release": str,
    "epoch": (int, type(None)),
    "arch": str,
    "payloadhash": str,
    "size": int,
    "buildtime": int,
}


@exposed("getRPM")
def get_rpm(call: Call, rpminfo: Any, strict: bool = False, multi: bool = False) -> Any:
    """By id, N-V-R.A, N-V-R.A@repo or a dict.

    Of one name, that of a build goes before a draft's, the newest draft's before an external one.
    """
    data = _rpm_key(rpminfo)
    conditions, params = [], list[Any]()
    for name in ("id",) if "id" in data else ("name", "version", "release", "arch"):
        if name not in data:
            raise koji.GenericError(f"No such rpm: {data!r}")
        conditions.append(f"rpminfo.{name} = ?")
        params.append(data[name])
    if "location" in data:
        conditions.append("external_repo_id = ?")
        params.append(lookups.id_of(call, "external_repo", data["location"]))
    rows = call.db.all(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {' AND '.join(conditions)} "
        "ORDER BY external_repo_id <> 0, draft IS 1, rpminfo.id DESC",
        params,
    )
    if multi:
        return rows
    if not rows and strict:
        raise koji.GenericError(f"No such rpm: {data!r}")
    return rows[0] if rows else None


def _rpm_key(info: Any) -> dict[str, Any]:
    if isinstance(info, dict):
        return info
    if isinstance(info, int) or (isinstance(info, str) and info.isdigit()):
        return {"id": int(info)}
    if isinstance(info, str):
        return dict(koji.parse_NVRA(info))
    raise koji.GenericError(f"Invalid type for rpminfo: {type(info)}")


@exposed("listRPMs")
def list_rpms(
    call: Call,
    buildID: int | None = None,
    buildrootID: int | None = None,
    imageID: int | None = None,
    componentBuildrootID: int | None = None,
    hostID: int | None = None,
    arches: str | list[str] | None = None,
    queryOpts: QueryOptions = None,
    draft: bool | None = None,
) -> Any:
    columns = f"{_COLUMNS}, rpminfo.name || '-' || version || '-' || release AS nvr"
    tables, conditions, params = _TABLES, ["1"], list[Any]()
    if componentBuildrootID is not None:
        columns += ", listing.buildroot_id AS component_buildroot_id, is_update"
        tables += " JOIN buildroot_listing AS listing ON listing.rpm_id = rpminfo.id"
    if hostID is not None:
        tables += " JOIN buildroot ON buildroot.id = rpminfo.buildroot_id"
    for column, value in (
        ("build_id", buildID),
        ("rpminfo.buildroot_id", buildrootID),
        ("listing.buildroot_id", componentBuildrootID),
        ("buildroot.host_id", hostID),
        ("draft", draft),
    ):
        if value is not None:
            conditions.append(f"{column} = ?")
            params.append(value)
    if imageID is not None:
        conditions.append("0")
    sql = f"SELECT {columns} FROM {tables} WHERE {' AND '.join(conditions)} ORDER BY rpminfo.id"
    rows = call.db.all(sql, params)
    if arches is not None:
        wanted = _wanted_arches(arches)
        rows = [row for row in rows if row["arch"] in wanted]
    return apply_options(rows, queryOpts)


@exposed("listBuildRPMs")
def list_build_rpms(call: Call, build: Any) -> Any:
    build_id = build if isinstance(build, int) else call.invoke("findBuildID", build, True)
    return list_rpms(call, buildID=build_id)


def external_rpm_id(call: Call, rpm: Row, location: Any) -> int:
    """The id of an external rpm, recorded when first seen. One name has one content for ever."""
    for field, kind in _EXTERNAL_FIELDS.items():
        if field not in rpm:
            raise koji.GenericError(f"{field} field missing: {rpm!r}")
        if not isinstance(rpm[field], kind):
            raise koji.GenericError(f"Invalid value for {field}: {rpm[field]!r}")
    rpm = sliced(rpm, _EXTERNAL_FIELDS)
    known = get_rpm(call, {**rpm, "location": location})
    if known is None:
        repo_id = lookups.id_of(call, "external_repo", location)
        return call.db.insert("rpminfo", **rpm, external_repo_id=repo_id)
    if known["payloadhash"] != rpm["payloadhash"]:
        name = "{name}-{version}-{release}.{arch}@{external_repo_name}".format(**known)
        raise koji.GenericError(
            f"hash changed for external rpm: {name} ({known['payloadhash']} -> {rpm['payloadhash']})"
        )
    found: int = known["id"]
    return found


def _wanted_arches(arches: Any) -> list[str]:
    if isinstance(arches, str):
        return [arches]
    if isinstance(arches, (list, tuple)):
        return list(arches)
    raise koji.GenericError(f'Invalid type for "arches" parameter: {type(arches)}')
