"""What a task has written: the files below its work directory, on every volume."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.lookups import find_strictly
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import as_int
from koji_adjutant.testbed.hub.tasks.tasks import find_task


@exposed("listTaskOutput")
def list_task_output(
    call: Call, taskID: Any, stat: bool = False, all_volumes: bool = False, strict: bool = False
) -> Any:
    """Names; with `stat` or `all_volumes` a dict by name of status, volumes, or status by volume."""
    if strict and find_task(call, taskID) is None:
        raise koji.GenericError("Task doesn't exist")
    volumes = call.db.values("SELECT name FROM volume ORDER BY id") if all_volumes else ["DEFAULT"]
    found: dict[str, dict[str, Path]] = {}
    for volume in volumes:
        directory = output_directory(call, as_int(taskID), volume)
        for file in sorted(directory.rglob("*")):
            if not file.is_dir():
                found.setdefault(str(file.relative_to(directory)), {})[volume] = file
    if not stat:
        return {name: list(files) for name, files in found.items()} if all_volumes else list(found)
    if all_volumes:
        return {
            name: {volume: _status(file) for volume, file in files.items()} for name, files in found.items()
        }
    return {name: _status(files["DEFAULT"]) for name, files in found.items()}


@exposed("downloadTaskOutput")
def download_task_output(
    call: Call, taskID: Any, fileName: Any, offset: Any = 0, size: Any = -1, volume: Any = None
) -> str:
    """A piece of a file in base64; a negative offset counts from the end."""
    if volume:
        volume = find_strictly(call, "volume", volume)["name"]
    if ".." in fileName:
        raise koji.GenericError(f"Invalid file name: {fileName}")
    file = output_directory(call, as_int(taskID), volume) / fileName.lstrip("/")
    if not file.is_file():
        raise koji.GenericError(f'no file "{fileName}" output by task {taskID}')
    start = as_int(offset or 0)
    with file.open("rb") as content:
        content.seek(start, 2 if start < 0 else 0)
        return b64encode(content.read(as_int(size))).decode("ascii")


def output_directory(call: Call, task_id: int, volume: str | None) -> Path:
    return Path(call.paths.work(volume)) / call.paths.taskrelpath(task_id)


def _status(file: Path) -> dict[str, Any]:
    status = file.stat()
    return {
        "st_size": str(status.st_size),
        "st_atime": status.st_atime,
        "st_mtime": status.st_mtime,
        "st_ctime": status.st_ctime,
    }
