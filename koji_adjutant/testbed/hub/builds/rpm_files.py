"""What the rpm files themselves say: headers of packages that are on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.build_files import build_directory, path_of_upload
from koji_adjutant.testbed.hub.builds.builds import require_build
from koji_adjutant.testbed.hub.builds.rpms import get_rpm
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.registry import exposed


@exposed("getRPMHeaders")
def get_rpm_headers(
    call: Call,
    rpmID: Any = None,
    taskID: int | None = None,
    filepath: str | None = None,
    headers: Sequence[str] | None = None,
    strict: bool = False,
) -> Any:
    """The named headers, or all; empty when there is no such file, unless strict."""
    path = _path_of_rpm(call, rpmID, strict=strict) if rpmID else path_of_upload(call, taskID, filepath)
    if path is None or not path.exists():
        if strict:
            raise koji.GenericError(f"Missing rpm file: {path or rpmID}")
        return {}
    read: Any = koji.get_header_fields
    return koji.fixEncodingRecurse(read(str(path), headers), remove_nonprintable=True)


def _path_of_rpm(call: Call, info: Any, *, strict: bool) -> Path | None:
    rpm = get_rpm(call, info, strict)
    if rpm is None or rpm["external_repo_id"]:
        return None
    return build_directory(call, require_build(call, rpm["build_id"])) / call.paths.rpm(rpm)
