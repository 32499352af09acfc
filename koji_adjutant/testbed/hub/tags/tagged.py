"""What is in a tag: its builds, latest tagged first, and their rpms, with what the tag inherits."""

from collections.abc import Iterator
from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.builds import COMPLETE, TABLES, is_rpm_type
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import utc_text
from koji_adjutant.testbed.hub.rpc.versions import at_event
from koji_adjutant.testbed.hub.tags.inheritance import ancestors
from koji_adjutant.testbed.hub.tags.packages import package_list
from koji_adjutant.testbed.hub.tags.tags import get_tag

_BUILD_COLUMNS = (
    "tag.id AS tag_id, tag.name AS tag_name, build.id AS id, build.id AS build_id, version, release, "
    "epoch, build.state AS state, completion_ts AS completion_time, NULL AS promotion_time, "
    "start_ts AS start_time, task_id, draft, users.id AS owner_id, users.name AS owner_name, "
    "NULL AS promoter_id, NULL AS promoter_name, events.id AS creation_event_id, "
    "events.time AS creation_time, volume.id AS volume_id, volume.name AS volume_name, "
    "package.id AS package_id, package.name AS package_name, package.name AS name, "
    "package.name || '-' || version || '-' || release AS nvr, listing.create_event AS create_event"
)
_RPM_COLUMNS = (
    "rpminfo.name AS name, rpminfo.version AS version, rpminfo.release AS release, rpminfo.arch AS arch, "
    "rpminfo.id AS id, rpminfo.epoch AS epoch, rpminfo.draft AS draft, payloadhash, size, buildtime, "
    "buildroot_id, rpminfo.build_id AS build_id, metadata_only"
)
_TIMES = ("creation_time", "start_time", "completion_time", "promotion_time")

# True: the latest build of each package. A number: the latest so many. False or 0: all.
Latest = bool | int


@exposed("listTagged")
def list_tagged(
    call: Call,
    tag: Any,
    event: int | None = None,
    inherit: bool = False,
    prefix: str | None = None,
    latest: Latest = False,
    package: str | None = None,
    owner: str | None = None,
    type: str | None = None,
    strict: bool = True,
    extra: bool = False,
    draft: bool | None = None,
) -> list[Row]:
    info = get_tag(call, tag, strict=strict, event=event)
    if info is None or not is_rpm_type(type):
        return []
    builds = tagged_builds(
        call,
        info["id"],
        event=event,
        inherit=inherit,
        latest=latest,
        package=package,
        owner=owner,
        extra=extra,
        draft=draft,
    )
    start = (prefix or "").lower()
    return [build for build in builds if build["name"].lower().startswith(start)]


@exposed("getLatestBuilds")
def get_latest_builds(
    call: Call,
    tag: Any,
    event: int | None = None,
    package: str | None = None,
    type: str | None = None,
    draft: bool | None = None,
) -> list[Row]:
    tag_id = tag if isinstance(tag, int) else lookups.id_of(call, "tag", tag)
    if not is_rpm_type(type):
        return []
    return tagged_builds(call, tag_id, event=event, inherit=True, latest=True, package=package, draft=draft)


@exposed("listTaggedRPMS")
def list_tagged_rpms(
    call: Call,
    tag: Any,
    event: int | None = None,
    inherit: bool = False,
    latest: Latest = False,
    package: str | None = None,
    arch: str | list[str] | None = None,
    rpmsigs: bool = False,
    owner: str | None = None,
    type: str | None = None,
    strict: bool = True,
    extra: bool = True,
    draft: bool | None = None,
) -> list[Any]:
    """[rpms, builds]."""
    info = get_tag(call, tag, strict=strict, event=event)
    if info is None or not is_rpm_type(type):
        return [] if info is None else [[], []]
    builds = tagged_builds(
        call,
        info["id"],
        event=event,
        inherit=inherit,
        latest=latest,
        package=package,
        owner=owner,
        draft=draft,
    )
    rpms = [rpm for rpm in rpms_of(call, builds, extra=extra) if _has_arch(rpm, arch)]
    if rpmsigs:
        rpms = [{**rpm, "sigkey": key} for rpm in rpms for key in _signature_keys(call, rpm["id"])]
    return [rpms, builds]


@exposed("getLatestRPMS")
def get_latest_rpms(
    call: Call,
    tag: Any,
    package: str | None = None,
    arch: str | list[str] | None = None,
    event: int | None = None,
    rpmsigs: bool = False,
    type: str | None = None,
    draft: bool | None = None,
) -> list[Any]:
    return list_tagged_rpms(
        call,
        tag,
        event=event,
        inherit=True,
        latest=True,
        package=package,
        arch=arch,
        rpmsigs=rpmsigs,
        type=type,
        draft=draft,
    )


def tagged_builds(
    call: Call,
    tag_id: int,
    *,
    event: int | None = None,
    inherit: bool = False,
    latest: Latest = False,
    package: str | None = None,
    owner: str | None = None,
    extra: bool = False,
    draft: bool | None = None,
) -> list[Row]:
    """Complete builds of packages that the tag lists and does not block, nearest tag first."""
    packages = package_list(call, tag_id, event=event)
    # One latest, so many latest, or no bound.
    bound = int(latest or 0)
    taken: dict[int, int] = {}
    builds: list[Row] = []
    for source in ancestors(call, tag_id, event, inherit=inherit):
        for build in _listing(call, source, event, extra=extra):
            if (package and build["name"] != package) or (owner and build["owner_name"] != owner):
                continue
            if draft not in {None, build["draft"]}:
                continue
            config = packages.get(build["package_id"])
            if config is None or config["blocked"]:
                continue
            count = taken[build["package_id"]] = taken.get(build["package_id"], 0) + 1
            if not bound or count <= bound:
                builds.append(build)
    return builds


def rpms_of(call: Call, builds: list[Row], *, extra: bool = True) -> Iterator[Row]:
    """The rpms of tagged builds, each build's once."""
    columns = _RPM_COLUMNS + (", rpminfo.extra AS extra" if extra else "")
    for build_id in dict.fromkeys(build["build_id"] for build in builds):
        yield from call.db.all(f"SELECT {columns} FROM rpminfo WHERE build_id = ? ORDER BY id", (build_id,))


def _signature_keys(call: Call, rpm_id: int) -> list[str]:
    return call.db.values("SELECT sigkey FROM rpmsigs WHERE rpm_id = ?", (rpm_id,))


def _listing(call: Call, tag_id: int, event: int | None, *, extra: bool) -> list[Row]:
    columns = _BUILD_COLUMNS + (", extra" if extra else "")
    rows = call.db.all(
        f"SELECT {columns} FROM tag_listing AS listing JOIN tag ON tag.id = listing.tag_id "
        f"JOIN {TABLES.replace('build ', 'build ON build.id = listing.build_id ', 1)} "
        f"WHERE tag.id = ? AND build.state = ? AND {at_event(event, 'listing')} "
        "ORDER BY listing.create_event DESC, build.id DESC",
        (tag_id, COMPLETE),
    )
    for row in rows:
        row.update({name: utc_text(row[name]) for name in _TIMES})
    return rows


def _has_arch(rpm: Row, arch: str | list[str] | None) -> bool:
    if not arch:
        return True
    if not isinstance(arch, (str, list, tuple)):
        raise koji.GenericError(f"Invalid type for arch option: {type(arch)}")
    return rpm["arch"] in ([arch] if isinstance(arch, str) else arch)
