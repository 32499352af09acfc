"""Uploads: files that clients put below the topdir's work directory.

A POST goes through three steps: `plan_upload` (under the hub's lock: may this session write there?), then
`receive` (without it: the body arrives as fast as the client sends), then the answer. Below `tasks/` only the
host that has the task open may write, anywhere else only the user who wrote there first.
"""

import hashlib
import os
import posixpath
import stat
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qs
from zlib import adler32

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.holds import Row
from koji_adjutant.testbed.hub.rpc.lookups import find_strictly
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.tasks.tasks import require_task_of_host

CHUNK = 65536
OWNER_FILE = ".user"


class Checksum(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Adler32:
    def __init__(self) -> None:
        self._value = 1

    def update(self, data: bytes, /) -> None:
        self._value = adler32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


CHECKSUMS: dict[str, Callable[[], Checksum]] = {
    "adler32": Adler32,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha256": hashlib.sha256,
}


def new_checksum(kind: Any) -> Checksum:
    if kind not in CHECKSUMS:
        raise koji.GenericError(f"Unsupported verify type: {kind}")
    return CHECKSUMS[kind]()


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where an upload goes, and the task whose output directory that is."""

    file: Path
    task_id: int | None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A POST that was allowed."""

    destination: Destination
    # Held until the body is there.
    rows: frozenset[Row]
    offset: int
    overwrite: bool
    verify: str


def upload_path(call: Call, directory: Any, name: Any, *, create: bool, volume: Any = None) -> Destination:
    """Check names and ownership; with `create`, make the directory."""
    if posixpath.basename(name) != name or name.startswith("."):
        raise koji.GenericError(f"Invalid upload filename: {name}")
    relative = posixpath.normpath(directory)
    if relative.startswith(".."):
        raise koji.GenericError(f"Invalid upload directory: {directory}")
    if volume is not None:
        find_strictly(call, "volume", volume)
    parts = relative.split("/")
    task_id = _task_of(call, directory, parts) if create and parts[0] == "tasks" else None
    target = Path(call.paths.work(volume=volume)) / relative.lstrip("/")
    if create:
        target.mkdir(parents=True, exist_ok=True)
        if task_id is None:
            _require_owner(call, target, directory)
    return Destination(file=target / name, task_id=task_id)


def _task_of(call: Call, directory: str, parts: list[str]) -> int:
    if len(parts) < 3 or not parts[2].isdigit():
        raise koji.GenericError(f"Invalid task upload directory: {directory}")
    task_id = int(parts[2])
    require_task_of_host(call, task_id)
    return task_id


def _require_owner(call: Call, target: Path, directory: str) -> None:
    marker = target / OWNER_FILE
    if not marker.exists():
        marker.write_text(str(call.session.user_id), encoding="ascii")
    elif int(marker.read_text(encoding="ascii")) != call.session.user_id:
        raise koji.GenericError(f"Invalid upload directory, not owner: {directory}")


def plan_upload(call: Call, query: str) -> Upload:
    """Judge the query string of a POST and take the file and the task's row for it."""
    if not call.session.logged_in:
        raise koji.ActionNotAllowed("you must be logged-in to upload a file")
    fields = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    offset, overwrite = int(fields.get("offset", "0")), bool(fields.get("overwrite"))
    verify = fields.get("fileverify", "")
    new_checksum(verify)
    destination = upload_path(
        call,
        fields.get("filepath", ""),
        fields["filename"],
        create=True,
        volume=fields.get("volume", "DEFAULT"),
    )
    _require_writable(destination.file, new=offset == 0 and not overwrite)
    rows = _rows(call, destination)
    call.holds.take(destination.file, rows)
    return Upload(destination=destination, rows=rows, offset=offset, overwrite=overwrite, verify=verify)


def _rows(call: Call, destination: Destination) -> frozenset[Row]:
    held = {"sessions": call.session.id, "task": destination.task_id}
    return frozenset(Row(table=table, id=row_id) for table, row_id in held.items() if row_id is not None)


def _require_writable(file: Path, *, new: bool) -> None:
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise koji.GenericError(f"destination is a symlink: {file}")
    if not stat.S_ISREG(mode):
        raise koji.GenericError(f"destination not a file: {file}")
    if new:
        raise koji.GenericError(f"upload path exists: {file}")


def receive(upload: Upload, body: BinaryIO) -> dict[str, Any]:
    """Write the body where it belongs; what the client compares its own count with."""
    checksum = new_checksum(upload.verify)
    size, offset = 0, upload.offset
    file = upload.destination.file
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as output:
        if offset == -1:
            offset = output.seek(0, os.SEEK_END)
        elif upload.overwrite:
            output.truncate(offset)
        output.seek(offset)
        while chunk := body.read(CHUNK):
            size += len(chunk)
            checksum.update(chunk)
            output.write(chunk)
        length = output.seek(0, os.SEEK_END)
    if not upload.overwrite and length != offset + size:
        raise koji.GenericError(
            f"Incorrect upload length for {file} - Expected {offset + size}, actual {length}"
        )
    return {
        "size": size,
        "fileverify": upload.verify,
        "offset": offset,
        "hexdigest": checksum.hexdigest(),
    }


@exposed("uploadFile")
def upload_file(
    call: Call,
    path: Any,
    name: Any,
    size: Any,
    md5sum: Any,
    offset: Any,
    data: Any,
    volume: Any = None,
    checksum: Any = None,
) -> bool:
    """A chunk inside a call, as clients sent files before there were POSTs. False: send it again."""
    call.require_login()
    contents = b64decode(data)
    offset, size = int(offset), None if size is None else int(size)
    kind, digest = _expected(md5sum if checksum is None else checksum)
    if offset != -1 and (size not in {None, len(contents)} or not _matches(contents, kind, digest)):
        return False
    file = upload_path(call, path, name, create=True, volume=volume).file
    if file.exists() and offset == 0 and file.suffix != ".log":
        raise koji.GenericError(f"file already exists: {file}")
    call.holds.require_free_file(file)
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as output:
        if offset == 0 or (offset == -1 and size == len(contents)):
            output.truncate(0)
        output.seek(0, os.SEEK_END) if offset == -1 else output.seek(offset)
        output.write(contents)
        if offset == -1 and size is not None:
            output.truncate(size)
    return offset != -1 or _matches(file.read_bytes(), kind, digest)


def _expected(checksum: Any) -> tuple[str | None, str | None]:
    if checksum is None:
        return None, None
    return ("md5", checksum) if isinstance(checksum, str) else (checksum[0], checksum[1])


def _matches(contents: bytes, kind: str | None, digest: str | None) -> bool:
    if kind is None:
        return True
    checksum = new_checksum(kind)
    checksum.update(contents)
    return checksum.hexdigest() == digest


@exposed("checkUpload")
def check_upload(
    call: Call, path: Any, name: Any, verify: Any = None, tail: Any = None, volume: Any = None
) -> dict[str, Any] | None:
    """Size and time of an uploaded file; with `verify`, its checksum (of the last `tail` bytes)."""
    file = upload_path(call, path, name, create=False, volume=volume).file
    if not file.exists():
        return None
    call.holds.require_free_file(file)
    if not file.is_file():
        raise koji.GenericError(f"Not a regular file: {file}")
    status = file.stat()
    data: dict[str, Any] = {"size": status.st_size, "mtime": status.st_mtime}
    if not verify:
        return data
    if tail is not None and tail < 0:
        raise koji.GenericError(f"Invalid tail value: {tail!r}")
    checksum = new_checksum(verify)
    with file.open("rb") as uploaded:
        uploaded.seek(0 if tail is None else max(status.st_size - tail, 0))
        start = uploaded.tell()
        while chunk := uploaded.read(CHUNK):
            checksum.update(chunk)
        data |= {"sumlength": uploaded.tell() - start, "hexdigest": checksum.hexdigest()}
    return data
