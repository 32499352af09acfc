"""Completing a build: the uploaded packages are read, checked against the build, recorded and moved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.testbed.hub.builds.build_files import (
    build_directory,
    log_directory,
    move_into,
    require_uploaded,
    work_directory,
)
from koji_adjutant.testbed.hub.builds.builds import BUILDING, COMPLETE, require_build
from koji_adjutant.testbed.hub.builds.noarch import Logs, without_duplicates
from koji_adjutant.testbed.hub.builds.notifications import notify_of_build
from koji_adjutant.testbed.hub.builds.signatures import keep_signature
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_type, sliced
from koji_adjutant.testbed.hub.tasks.tasks import require_task_of_host

_HEADER_FIELDS = (
    "name",
    "version",
    "release",
    "epoch",
    "sourcepackage",
    "arch",
    "buildtime",
    "sourcerpm",
)
_RECORDED = ("name", "version", "release", "epoch", "arch", "buildtime")


@exposed("host.completeBuild")
def complete_build(
    call: Call,
    task_id: int,
    build_id: Any,
    srpm: str,
    rpms: list[str],
    brmap: Mapping[str, int] | None = None,
    logs: Logs = None,
) -> Row:
    require_task_of_host(call, task_id)
    require_type({} if brmap is None else brmap, dict)
    require_type(srpm, str)
    require_type(rpms, list)
    buildroots = brmap or {}
    work = work_directory(call)
    require_uploaded(work, [srpm, *rpms])
    rpms = without_duplicates(work, rpms, logs)
    _require_buildroots(call, buildroots)
    source = read_header(work / srpm)
    if source["sourcepackage"] != 1:
        raise koji.GenericError(f"not a source package: {work / srpm}")
    build = require_build(call, build_id)
    _require_same(build, source | {"task_id": task_id, "release": _release(build, source)})
    call.db.update("build", {"id": build["id"]}, state=COMPLETE, completion_ts=call.now())
    build = require_build(call, build["id"])
    for path in (srpm, *rpms):
        _import_rpm(call, build, work / path, buildroots.get(path))
    for arch, paths in (logs or {}).items():
        directory = log_directory(call, build)
        for path in paths:
            move_into(work / path, directory / arch if arch else directory)
    notify_of_build(call, task_id, build["id"])
    return build


def read_header(path: Path) -> Row:
    """What the hub wants to know of a package; a source package's arch is `src`."""
    library: Any = koji
    header = library.get_rpm_header(str(path))
    fields: Row = dict(library.get_header_fields(header, list(_HEADER_FIELDS)))
    # What rpm 6 writes has no sigmd5.
    fields["payloadhash"] = library.get_rpm_ident(header)
    return fields | ({"arch": "src"} if fields["sourcepackage"] == 1 else {})


def _require_buildroots(call: Call, buildroots: Mapping[str, int]) -> None:
    for buildroot_id in set(buildroots.values()):
        if call.db.one("SELECT 1 FROM buildroot WHERE id = ?", (buildroot_id,)) is None:
            raise koji.GenericError(f"no buildroot with ID: {buildroot_id}")


def _require_same(build: Row, source: Row) -> None:
    """Refuse unless the source package is this build's, and the build is still open."""
    for field in ("name", "version", "release", "epoch", "task_id"):
        if source[field] != build[field]:
            raise koji.GenericError(
                f"Unable to complete build: {field} mismatch (build: {build[field]}, rpm: {source[field]})"
            )
    if build["state"] != BUILDING:
        raise koji.GenericError(f"Unable to complete build: state is {koji.BUILD_STATES[build['state']]}")


def _release(build: Row, source: Row) -> str:
    """Of the build that a source package is of."""
    if not build["draft"]:
        return str(source["release"])
    return str(cast("Any", koji).gen_draft_release(source["release"], build["id"]))


def _source_name(build: Row) -> str:
    """The source package of a build; a draft's has the release that the build will have."""
    drafts: Any = koji
    release = drafts.parse_target_release(build["release"]) if build["draft"] else build["release"]
    return f"{build['name']}-{build['version']}-{release}.src.rpm"


def _import_rpm(call: Call, build: Row, path: Path, buildroot_id: int | None) -> None:
    header = read_header(path)
    expected = "{name}-{version}-{release}.{arch}.rpm".format(**header)
    if path.name != expected:
        raise koji.GenericError(f"bad filename: {path.name} (expected {expected})")
    source = _source_name(build)
    comes_from = path.name if header["sourcepackage"] == 1 else header["sourcerpm"]
    if comes_from != source:
        raise koji.GenericError(f"srpm mismatch for {path}: {comes_from} (expected {source})")
    size = path.stat().st_size
    rpm_id = call.db.insert(
        "rpminfo",
        **sliced(header, _RECORDED),
        build_id=build["id"],
        buildroot_id=buildroot_id,
        draft=build["draft"],
        size=size,
        payloadhash=header["payloadhash"],
    )
    rpm: Any = header
    keep_signature(call, build, header | {"id": rpm_id}, path)
    move_into(path, build_directory(call, build) / Path(call.paths.rpm(rpm)).parent)
