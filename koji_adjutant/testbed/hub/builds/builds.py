"""Builds: what the hub says of one, and which there are."""

from typing import Any

import koji
import koji.util

from koji_adjutant.testbed.hub.people.users import get_user
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.times import add_times

BUILDING: int = koji.BUILD_STATES["BUILDING"]
COMPLETE: int = koji.BUILD_STATES["COMPLETE"]
FAILED: int = koji.BUILD_STATES["FAILED"]
CANCELED: int = koji.BUILD_STATES["CANCELED"]

# What getBuild and listBuilds have in common.
_COLUMNS = (
    "build.id AS build_id, version, release, epoch, draft, build.state AS state, task_id, source, extra, "
    "events.id AS creation_event_id, events.time AS creation_ts, start_ts, completion_ts, "
    "NULL AS promotion_ts, NULL AS promoter_id, NULL AS promoter_name, "
    "package.id AS package_id, package.name AS package_name, package.name AS name, "
    "package.name || '-' || version || '-' || release AS nvr, "
    "volume.id AS volume_id, volume.name AS volume_name, users.id AS owner_id, users.name AS owner_name"
)
TABLES = (
    "build JOIN events ON events.id = build.create_event JOIN package ON package.id = pkg_id "
    "JOIN volume ON volume.id = volume_id JOIN users ON users.id = build.owner"
)


@exposed("findBuildID")
def find_build_id(call: Call, X: Any, strict: bool = False) -> int | None:
    """A build's id by id, NVR, or a dict with name, version and release."""
    if isinstance(X, int):
        return X
    data = koji.parse_NVR(X) if isinstance(X, str) else X
    if not isinstance(data, dict):
        raise koji.GenericError(f"Invalid type for argument: {type(X)}")
    if not {"name", "version", "release"} <= data.keys():
        raise koji.GenericError("did not provide name, version, and release")
    found: int | None = call.db.value(
        "SELECT build.id FROM build JOIN package ON package.id = pkg_id "
        "WHERE package.name = ? AND version = ? AND release = ?",
        (data["name"], data["version"], data["release"]),
    )
    if found is None and strict:
        raise koji.GenericError(f"No such build: {X!r}")
    return found


@exposed("getBuild")
def get_build(call: Call, buildInfo: Any, strict: bool = False) -> Row | None:
    build_id = find_build_id(call, buildInfo, strict)
    row = call.db.one(f"SELECT {_COLUMNS} FROM {TABLES} WHERE build.id = ?", (build_id,))
    if row is None:
        if strict:
            raise koji.GenericError(f"No such build: {buildInfo}")
        return None
    return _shown(row) | {"id": row["build_id"], "cg_id": None, "cg_name": None}


def require_build(call: Call, info: Any) -> Row:
    build = get_build(call, info, strict=True)
    if build is None:
        raise AssertionError("a strict look-up returned nothing")
    return build


@exposed("listBuilds")
def list_builds(
    call: Call,
    packageID: Any = None,
    userID: Any = None,
    taskID: int | None = None,
    prefix: str | None = None,
    state: int | None = None,
    volumeID: int | None = None,
    source: str | None = None,
    createdBefore: Any = None,
    createdAfter: Any = None,
    completeBefore: Any = None,
    completeAfter: Any = None,
    type: str | None = None,
    typeInfo: Any = None,
    queryOpts: QueryOptions = None,
    pattern: str | None = None,
    cgID: Any = None,
    draft: bool | None = None,
) -> Any:
    query = _Conditions()
    if not is_rpm_type(type):
        query.add("0")
    if packageID is not None:
        query.add("package.id = ?", lookups.id_or_none(call, "package", packageID))
    if userID is not None:
        query.add("users.id = ?", (get_user(call, userID) or {}).get("id"))
    if taskID is not None:
        query.add("task_id = ? OR (? = -1 AND task_id IS NOT NULL)", taskID, taskID)
    query.add_given(
        ("build.state = ?", state),
        ("volume.id = ?", volumeID),
        ("draft = ?", draft),
        ("LOWER(package.name) GLOB LOWER(?)", f"{prefix}*" if prefix else None),
        ("LOWER(nvr) GLOB LOWER(?)", pattern),
        ("LOWER(source) GLOB LOWER(?)", source),
        ("events.time < ?", _moment(createdBefore)),
        ("events.time > ?", _moment(createdAfter)),
        ("completion_ts < ?", _moment(completeBefore)),
        ("completion_ts > ?", _moment(completeAfter)),
    )
    rows = call.db.all(f"SELECT {_COLUMNS} FROM {TABLES} {query.where}", query.params)
    return apply_options([_shown(row) for row in rows], queryOpts)


@exposed("getAverageBuildDuration")
def get_average_build_duration(call: Call, package: Any, age: int | None = None) -> float | None:
    """The mean time of a package's builds, in seconds; of the last `age` months only."""
    since = 0.0 if age is None else call.now() - int(age) * 30.44 * 86400
    found: float | None = call.db.value(
        f"SELECT AVG(completion_ts - events.time) FROM {TABLES} WHERE package.id = ? "
        "AND build.state = ? AND task_id IS NOT NULL AND completion_ts > ?",
        (lookups.id_or_none(call, "package", package), COMPLETE, since),
    )
    return found


def is_rpm_type(name: str | None) -> bool:
    """Whether builds of this type can be here at all: all of ours are of rpms."""
    if name not in {None, "rpm", "maven", "win", "image"}:
        raise koji.GenericError(f"unsupported build type: {name}")
    return name in {None, "rpm"}


class _Conditions:
    def __init__(self) -> None:
        self._clauses: list[str] = []
        self.params: list[Any] = []

    def add(self, clause: str, *params: Any) -> None:
        self._clauses.append(f"({clause})")
        self.params += params

    def add_given(self, *filters: tuple[str, Any]) -> None:
        for clause, value in filters:
            if value is not None:
                self.add(clause, value)

    @property
    def where(self) -> str:
        return f"WHERE {' AND '.join(self._clauses)}" if self._clauses else ""


def _moment(value: Any) -> float | None:
    """Epoch seconds of what a client gave: those, or a date as text."""
    if not value:
        return None
    if isinstance(value, str):
        value = koji.util.parseTime(value)
        if value is None:
            raise koji.ParameterError("not a date")
    return float(value)


def _shown(row: Row) -> Row:
    return add_times(row, "creation", "start", "completion", "promotion")
