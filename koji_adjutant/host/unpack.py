"""A tree of files that others have made, out of a tar stream onto this host.

Directories, plain files and symbolic links are written, below one directory and nowhere else: each is made anew, in a
directory that this stream has made before, which is opened part by part without following a link. A symbolic link is
made as it is, wherever it leads, since a checkout may have such; nothing here follows it, and whoever reads the tree
must not either. All else that an archive can hold is refused, by the name of the member. Files are owned by who unpacks
them and keep of their mode what a checkout has: whether they can be executed.

What was written before a refusal stays, for whoever owns the directory to remove.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from koji_adjutant import names
from koji_adjutant.errors import UnpackRefused
from koji_adjutant.host.tar_members import Kind, Member, TarMembers

PART_LIMIT, NAME_LIMIT = 255, 4000
"""Bytes of a part of a name, and of the whole: what programs can open with a directory before it."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REASONS = {
    errno.EEXIST: "it is there twice",
    errno.ENOENT: "its directory does not come before it",
    errno.ENOTDIR: "it is below something that is no directory",
    errno.ELOOP: "it is below something that is no directory",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EINVAL: "the file system does not take its name",
    errno.EILSEQ: "the file system does not take its name",
}
"""Errors that a name is to blame for; all others are this host's."""


@dataclass(frozen=True, kw_only=True)
class UnpackLimits:
    """The most that a tree may be: bytes of all its files, and how many files, directories and links."""

    bytes: int
    files: int
    hint: str = ""
    """What to say to whoever has more."""


def unpack(stream: BinaryIO | Iterable[bytes], directory: Path, limits: UnpackLimits) -> None:
    """The members of a tar stream below `directory`, which is there and empty. UnpackRefused; OSError of this host."""
    members = TarMembers(stream)
    size = 0
    with _Tree(directory) as tree:
        for number, member in enumerate(members, 1):
            size += member.size
            if number > limits.files:
                raise _refused(member, f"there are more than {limits.files:,} files", limits.hint)
            if size > limits.bytes:
                problem = f"with its {member.size:,} bytes there are more than {limits.bytes:,}"
                raise _refused(member, problem, limits.hint)
            parts = _parts(member)
            with _told(member):
                tree.make(member, parts, members)


class _Tree:
    """The directory, and that below it in which the last member was: most have their neighbours beside them."""

    def __init__(self, directory: Path) -> None:
        self._top = os.open(directory, _DIRECTORY)
        self._here = os.dup(self._top)
        self._where: tuple[bytes, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._top)
        os.close(self._here)

    def make(self, member: Member, parts: tuple[bytes, ...], members: TarMembers) -> None:
        """Make what `member` is, of the content that `members` has for it."""
        if not parts:
            return
        self._enter(parts[:-1])
        if member.kind is Kind.DIRECTORY:
            os.mkdir(parts[-1], 0o755, dir_fd=self._here)
        elif member.kind is Kind.SYMLINK:
            os.symlink(member.link, parts[-1], dir_fd=self._here)
        else:
            mode = 0o755 if member.mode & 0o100 else 0o644
            with open(os.open(parts[-1], _NEW, mode, dir_fd=self._here), "wb", buffering=0) as file:  # noqa: PTH123
                for piece in members.content():
                    _write(file.fileno(), piece)

    def _enter(self, parts: tuple[bytes, ...]) -> None:
        if parts == self._where:
            return
        os.close(self._here)
        self._here, self._where = os.dup(self._top), ()
        for part in parts:
            below = os.open(part, _DIRECTORY, dir_fd=self._here)
            os.close(self._here)
            self._here = below
        self._where = parts


def _write(file: int, data: memoryview) -> None:
    while data:
        data = data[os.write(file, data) :]


def _parts(member: Member) -> tuple[bytes, ...]:
    """The parts of a name below the directory; none for the directory itself."""
    if member.kind not in {Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK}:
        raise _refused(member, f"it is {member.kind.value}")
    name = member.name.removeprefix(b"./")
    if member.kind is Kind.DIRECTORY:
        name = name.removesuffix(b"/")
        if name in {b"", b"."} and member.name:
            return ()
    parts = tuple(name.split(b"/"))
    if b"\0" in name + member.link or not set(parts).isdisjoint({b"", b".", b".."}):
        raise _refused(member, "its name is not one of something below a directory")
    if member.kind is Kind.SYMLINK and not member.link:
        raise _refused(member, "it is a link to nothing")
    if len(name) > NAME_LIMIT or any(len(part) > PART_LIMIT for part in parts):
        raise _refused(member, _REASONS[errno.ENAMETOOLONG])
    return parts


@contextmanager
def _told(member: Member) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        raise _refused(member, _REASONS[error.errno]) from error


def _refused(member: Member, reason: str, hint: str = "") -> UnpackRefused:
    return UnpackRefused(f"refused to unpack {member.shown}: {reason}", hint=hint)


def check_inside(tree: Path, *directories: Path) -> None:
    """UnpackRefused when one of `directories`, below `tree`, is elsewhere: by a link that was unpacked."""
    for directory in directories:
        try:
            is_inside = directory.resolve().is_relative_to(tree.resolve())
        except (OSError, RuntimeError):
            # A link that leads to itself.
            is_inside = False
        if not is_inside:
            where = names.shown(directory.relative_to(tree))
            raise UnpackRefused(f"{where} of the checkout is a link that leads out of it")
