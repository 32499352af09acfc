"""`/kojifiles`: the topdir over HTTP, as httpd serves it: ranges, symlinks followed, nothing above it."""

import os
import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


@dataclass(frozen=True, kw_only=True)
class FileAnswer:
    """Headers, and the part of the file to send; or no file and a short text."""

    status: HTTPStatus
    headers: dict[str, str]
    file: Path | None = None
    start: int = 0
    length: int = 0
    text: bytes = b""


def answer(topdir: Path, path: str, wanted_range: str | None) -> FileAnswer:
    """`path` is what follows `/kojifiles`, still quoted, without its query."""
    parts = [part for part in unquote(path).split("/") if part not in {"", "."}]
    if ".." in parts or any("\0" in part for part in parts):
        return _text(HTTPStatus.FORBIDDEN, "You do not have permission to access this resource.\n")
    file = topdir.joinpath(*parts)
    if file.is_dir():
        return _listing(file)
    if not file.is_file():
        return _text(HTTPStatus.NOT_FOUND, f"There is no {'/'.join(parts)} here.\n")
    return _content(file, wanted_range)


def _content(file: Path, wanted_range: str | None) -> FileAnswer:
    status = file.stat()
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": _content_type(file),
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
        "ETag": f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"',
    }
    match = RANGE.match(wanted_range or "")
    if match is None or match.groups() == ("", ""):
        headers["Content-Length"] = str(status.st_size)
        return FileAnswer(status=HTTPStatus.OK, headers=headers, file=file, length=status.st_size)
    start, end = _bounds(match[1], match[2], status.st_size)
    if start >= status.st_size or end < start:
        headers |= {"Content-Range": f"bytes */{status.st_size}", "Content-Length": "0"}
        return FileAnswer(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    length = end - start + 1
    headers |= {"Content-Range": f"bytes {start}-{end}/{status.st_size}", "Content-Length": str(length)}
    return FileAnswer(
        status=HTTPStatus.PARTIAL_CONTENT, headers=headers, file=file, start=start, length=length
    )


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _content_type(file: Path) -> str:
    types = {".xml": "text/xml", ".log": "text/plain", ".json": "application/json", ".html": "text/html"}
    return types.get(file.suffix, "application/octet-stream")


def _listing(directory: Path) -> FileAnswer:
    with os.scandir(directory) as entries:
        names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries)
    return _text(HTTPStatus.OK, "".join(f"{name}\n" for name in names))


def _text(status: HTTPStatus, text: str) -> FileAnswer:
    content = text.encode("utf-8", "surrogateescape")
    headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(content))}
    return FileAnswer(status=status, headers=headers, text=content)
