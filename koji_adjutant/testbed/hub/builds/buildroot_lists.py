"""The packages of a buildroot: external ones by name and content, the hub's own by id or name."""

from collections.abc import Sequence
from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.buildroots import BUILDING, INIT, require_own_buildroot
from koji_adjutant.testbed.hub.builds.rpms import external_rpm_id, get_rpm
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed


@exposed("host.setBuildRootList")
def set_buildroot_list(call: Call, brootid: int, rpmlist: Sequence[Row], task_id: int | None = None) -> None:
    buildroot = require_own_buildroot(call, brootid, task_id)
    _require_state(buildroot, INIT)
    _add(call, buildroot["id"], [_rpm_id(call, rpm) for rpm in rpmlist], is_update=False)


@exposed("host.updateBuildRootList")
def update_buildroot_list(
    call: Call, brootid: int, rpmlist: Sequence[Row], task_id: int | None = None
) -> None:
    """What the list adds to the first one; what is in it already is left out."""
    buildroot = require_own_buildroot(call, brootid, task_id)
    _require_state(buildroot, BUILDING)
    known = set(
        call.db.values("SELECT rpm_id FROM buildroot_listing WHERE buildroot_id = ?", (buildroot["id"],))
    )
    ids = [_rpm_id(call, rpm) for rpm in rpmlist]
    _add(call, buildroot["id"], [rpm_id for rpm_id in ids if rpm_id not in known], is_update=True)


@exposed("getBuildrootListing")
def get_buildroot_listing(call: Call, id: int) -> list[Row]:
    return call.db.all(
        "SELECT rpm_id, is_update, rpminfo.name AS name, version, release, epoch, arch, build_id, draft, "
        "external_repo_id, external_repo.name AS external_repo_name FROM buildroot_listing "
        "JOIN rpminfo ON rpminfo.id = rpm_id JOIN external_repo ON external_repo.id = external_repo_id "
        "WHERE buildroot_listing.buildroot_id = ? ORDER BY rpm_id",
        (id,),
    )


def _require_state(buildroot: Row, state: int) -> None:
    if buildroot["state"] != state:
        raise koji.GenericError(f"buildroot {buildroot['id']} in wrong state {buildroot['state']}")


def _rpm_id(call: Call, rpm: Row) -> int:
    location: Any = rpm.get("location")
    if location:
        return external_rpm_id(call, rpm, location)
    found: int = get_rpm(call, rpm, strict=True)["id"]
    return found


def _add(call: Call, buildroot_id: int, rpm_ids: Sequence[int], *, is_update: bool) -> None:
    for rpm_id in sorted(rpm_ids):
        call.db.insert("buildroot_listing", buildroot_id=buildroot_id, rpm_id=rpm_id, is_update=is_update)
