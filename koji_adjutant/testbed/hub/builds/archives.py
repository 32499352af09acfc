"""What builds of other kinds would have: a hub of rpm builds only answers that there is none."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.builds import get_build
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed


@exposed("mavenEnabled", "winEnabled")
def is_enabled(call: Call) -> bool:
    return False


@exposed("listArchives")
def list_archives(
    call: Call,
    buildID: int | None = None,
    buildrootID: int | None = None,
    componentBuildrootID: int | None = None,
    hostID: int | None = None,
    type: str | None = None,
    filename: str | None = None,
    size: int | None = None,
    checksum: str | None = None,
    typeInfo: Any = None,
    queryOpts: QueryOptions = None,
    imageID: int | None = None,
    archiveID: int | None = None,
    strict: bool = False,
) -> Any:
    if strict:
        raise koji.GenericError("No archives found.")
    return apply_options([], queryOpts)


@exposed("getMavenBuild", "getWinBuild", "getImageBuild")
def get_special_build(call: Call, buildInfo: Any, strict: bool = False) -> None:
    if strict:
        raise koji.GenericError(f"No such build of that type: {buildInfo}")


@exposed("getBuildType")
def get_build_type(call: Call, buildInfo: Any, strict: bool = False) -> dict[str, None] | None:
    return None if get_build(call, buildInfo, strict) is None else {"rpm": None}
