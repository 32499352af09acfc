"""Where the files of finished builds are: moved out of the work directory, which keeps a link to each."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import koji
import koji.util

from koji_adjutant.testbed.hub.builds.builds import require_build
from koji_adjutant.testbed.hub.builds.rpms import list_rpms
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.query_options import QueryOptions, apply_options
from koji_adjutant.testbed.hub.rpc.registry import exposed


def work_directory(call: Call) -> Path:
    return Path(call.paths.work())


def require_uploaded(work: Path, paths: list[str]) -> None:
    for path in paths:
        if not (work / path).exists():
            raise koji.GenericError(f"No such file: {work / path}")


def move_into(source: Path, directory: Path) -> None:
    """Move an uploaded file into place. The real hub's rules: a plain file, and nothing there before."""
    destination = directory / source.name
    if destination.exists():
        raise koji.GenericError(f"Error importing {source.name}: {destination} already exists")
    if source.is_symlink() or not source.is_file():
        raise koji.GenericError(f"Error importing {source.name}: {source} is not a regular file")
    move_and_link(source, directory)


def move_and_link(source: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    koji.util.move_and_symlink(str(source), str(directory / source.name))


def build_directory(call: Call, build: Row) -> Path:
    return Path(call.paths.build(build))  # type: ignore[arg-type]


def log_directory(call: Call, build: Row) -> Path:
    return Path(call.paths.build_logs(build))  # type: ignore[arg-type]


@exposed("getBuildLogs")
def get_build_logs(call: Call, build: Any) -> list[dict[str, str]]:
    directory = log_directory(call, require_build(call, build))
    top = Path(call.paths.topdir)
    return [
        {
            "name": path.name,
            "dir": str(path.parent.relative_to(directory)),
            "path": f"{directory.relative_to(top)}/{path.parent.relative_to(directory)}/{path.name}",
        }
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]


@exposed("getChangelogEntries")
def get_changelog_entries(
    call: Call,
    buildID: Any = None,
    taskID: int | None = None,
    filepath: str | None = None,
    author: str | None = None,
    before: float | None = None,
    after: float | None = None,
    queryOpts: QueryOptions = None,
    strict: bool = False,
) -> Any:
    """The source package's changelog, newest first."""
    source = _source_package(call, buildID, taskID, filepath)
    if source is None or not source.exists():
        if strict:
            raise koji.GenericError(f"no source package for build {buildID}")
        return apply_options([], queryOpts)
    names = ("changelogtime", "changelogname", "changelogtext")
    header: dict[str, Any] = dict(koji.get_header_fields(str(source), list(names)))
    entries = [
        {"date": _text(moment), "date_ts": moment, "author": name, "text": text}
        for moment, name, text in zip(*(header[field] for field in names), strict=True)
        if author in {None, name}
        and (before is None or moment < before)
        and (after is None or moment > after)
    ]
    return apply_options(entries, queryOpts)


def _source_package(call: Call, build: Any, task_id: int | None, path: str | None) -> Path | None:
    if build:
        info = require_build(call, build)
        sources = list_rpms(call, buildID=info["id"], arches="src")
        return build_directory(call, info) / call.paths.rpm(sources[0]) if sources else None
    return path_of_upload(call, task_id, path)


def path_of_upload(call: Call, task_id: int | None, path: str | None) -> Path:
    """Where a task uploaded a file, for functions that take a build's or rpm's id, or these two."""
    if not (task_id and path):
        raise koji.GenericError("an id, or taskID and filepath must be specified")
    if path.startswith("/") or "../" in path:
        raise koji.GenericError(f"Invalid filepath: {path}")
    return work_directory(call) / call.paths.taskrelpath(task_id) / path


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None).isoformat(" ")
