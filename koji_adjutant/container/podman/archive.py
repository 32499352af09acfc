"""Tar archives on their way into and out of containers. Nothing is held in memory but one piece of a file.

What comes out was named by hostile code. Directories and regular files are written, below the target and
nowhere else: every name is walked from the target's descriptor without following a link. A hard link is made
only to a file of the same archive that was written before; symbolic links, devices, fifos and sparse entries
are left out; a name that no honest archive has is an error. A file with a hole comes as long as it says it is: who
has no room for that gives a limit.
"""

import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from koji_adjutant import names
from koji_adjutant.errors import ContentRefused, EngineError

PIECE = 1 << 20
ENTRIES = 100_000
"""Of an archive: a package may leave as many files as its disk has inodes, and each costs time and memory here."""
PLAIN = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})


def pack(source: Path, owner: tuple[int, int]) -> Iterator[bytes]:
    """`source`, under its own name, as a tar stream; everything in it belongs to `owner`."""
    paths = [source] if source.is_symlink() or not source.is_dir() else [source, *_below(source)]
    for path in paths:
        yield from _entry(path, str(path.relative_to(source.parent)), owner)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def pack_files(directory: str, files: Mapping[str, bytes], owner: tuple[int, int]) -> Iterator[bytes]:
    """`files`, by path below a new `directory`, as a tar stream: for `owner` alone, as all of `directory` is."""
    paths = {name: PurePosixPath(directory, name) for name in files}
    above = {parent for path in paths.values() for parent in path.parents if str(parent) != "."}
    for parent in sorted(above):
        yield _own(str(parent), tarfile.DIRTYPE, 0o700, owner).tobuf(tarfile.PAX_FORMAT)
    for name, content in files.items():
        info = _own(str(paths[name]), tarfile.REGTYPE, 0o600, owner)
        info.size = len(content)
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield content + b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _own(name: str, kind: bytes, mode: int, owner: tuple[int, int]) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    info.uid, info.gid = owner
    return info


def _below(directory: Path) -> Iterator[Path]:
    for entry in sorted(directory.iterdir()):
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _below(entry)


def _entry(path: Path, name: str, owner: tuple[int, int]) -> Iterator[bytes]:
    info = _describe(path, name)
    info.uid, info.gid = owner
    info.uname = info.gname = ""
    if info.type not in PLAIN:
        yield info.tobuf(tarfile.PAX_FORMAT)
        return
    with path.open("rb") as content:
        # The size is that of the file that is read, so that header and data agree whoever replaces the path.
        info.size = os.fstat(content.fileno()).st_size
        yield info.tobuf(tarfile.PAX_FORMAT)
        yield from _exactly(content, info.size, path)
    yield b"\0" * (-info.size % tarfile.BLOCKSIZE)


def _describe(path: Path, name: str) -> tarfile.TarInfo:
    status = path.lstat()
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    info.mtime = status.st_mtime
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
    elif not stat.S_ISREG(status.st_mode):
        raise EngineError(f"cannot copy {path} into a container: neither file, directory nor link")
    return info


def _exactly(content: IO[bytes], size: int, path: Path) -> Iterator[bytes]:
    left = size
    while left:
        data = content.read(min(left, PIECE))
        if not data:
            raise EngineError(f"cannot copy {path} into a container: it became shorter while it was read")
        left -= len(data)
        yield data


def handed_on(stream: IO[bytes], limit: int) -> Iterator[bytes]:
    """A tar stream as it is, but that all of it is root's: another container may not know the ids of the first.

    ContentRefused before it is longer than `limit`: files with holes come without them.
    """
    size = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                header = _header(member)
                size += len(header) + member.size
                if size > limit:
                    raise ContentRefused(f"refused to copy more than {limit} bytes between two containers")
                yield header
                if content := tar.extractfile(member) if member.isreg() else None:
                    yield from _exactly(content, member.size, Path(member.name))
                    yield b"\0" * (-member.size % tarfile.BLOCKSIZE)
    except tarfile.TarError as error:
        raise EngineError(f"the engine's archive for another container is damaged: {error}") from error
    yield b"\0" * (2 * tarfile.BLOCKSIZE)


def _header(member: tarfile.TarInfo) -> bytes:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    own = ("path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime")
    member.pax_headers = {key: value for key, value in member.pax_headers.items() if key not in own}
    return member.tobuf(tarfile.PAX_FORMAT)


def unpack(
    stream: IO[bytes],
    target: Path,
    *,
    suffix: str = "",
    limit: int | None = None,
    entries: int = ENTRIES,
) -> tuple[Path, ...]:
    """Directories and regular files of a tar stream below `target`; the files written, in their order.

    When the first entry is a directory it is the one that was asked for: its own name is left out. With a `suffix`,
    files whose names do not end in it are left out too, and directories without such files. ContentRefused before
    there are more than `limit` bytes, and when there are more than `entries` entries.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            return tuple(_unpack(tar, target, suffix, limit, entries).values())
    except tarfile.TarError as error:
        raise EngineError(f"the engine's archive for {target} is damaged: {error}") from error


def _unpack(
    tar: tarfile.TarFile, target: Path, suffix: str, limit: int | None, entries: int
) -> Mapping[str, Path]:
    written: dict[str, Path] = {}
    top: str | None = None
    size = 0
    for number, member in enumerate(tar, 1):
        if number > entries:
            raise ContentRefused(f"refused to copy more than {entries} entries out of a container")
        top = (member.name if member.isdir() else "") if top is None else top
        if member.isdir() and (suffix or member.name == top):
            continue
        if not member.name.endswith(suffix):
            continue
        if member.isdir():
            with _directory(target, plain_parts(member.name, top)):
                pass
        elif member.type in PLAIN and not member.sparse:
            parts = plain_parts(member.name, top)
            size += member.size
            if limit is not None and size > limit:
                raise ContentRefused(
                    f"refused to copy {member.name!r} out of a container: with its {member.size} bytes there are "
                    f"more than {limit}"
                )
            written[member.name] = _write(tar, member, target, parts)
        elif member.islnk() and (member.linkname.endswith(suffix)):
            written[member.name] = _link(member, written, target, plain_parts(member.name, top))
    return written


def plain_parts(name: str, top: str = "") -> tuple[str, ...]:
    """The components of a name in an archive, below the directory `top` of it. ContentRefused when it is elsewhere."""
    below = name.removeprefix(f"{top}/") if top else name
    if top and below == name:
        raise ContentRefused(
            f"refused to copy {names.shown(name)} out of a container: not a plain name below {names.shown(top)}"
        )
    return names.parts(below, "refused to copy out of a container:", ContentRefused)


@contextmanager
def _directory(target: Path, parts: Iterable[str]) -> Iterator[int]:
    """A descriptor of the directory `parts` below `target`, made where missing, through no link."""
    here = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=here)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(part, flags, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, parts: tuple[str, ...]) -> Path:
    content = tar.extractfile(member)
    if content is None:
        raise ContentRefused(f"refused to copy {member.name!r} out of a container: not a file")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with _directory(target, parts[:-1]) as directory:
        descriptor = os.open(parts[-1], flags, 0o644, dir_fd=directory)
        with open(descriptor, "wb") as out:  # noqa: PTH123
            shutil.copyfileobj(content, out, PIECE)
    return target.joinpath(*parts)


def _link(member: tarfile.TarInfo, written: Mapping[str, Path], target: Path, parts: tuple[str, ...]) -> Path:
    if member.linkname not in written:
        raise ContentRefused(
            f"refused to copy {member.name!r} out of a container: a hard link to {member.linkname!r}, "
            "which was not copied"
        )
    with _directory(target, parts[:-1]) as directory:
        with suppress(FileNotFoundError):
            os.unlink(parts[-1], dir_fd=directory)
        os.link(written[member.linkname], parts[-1], dst_dir_fd=directory, follow_symlinks=False)
    return target.joinpath(*parts)
