"""A file system of the benchmark's own: ext4 with a journal on a loop device, else tmpfs.

The root file system of a test machine may be without a journal, on which making files soon after removing many is
many times slower than anywhere else. It is there from entering the context to leaving it, whatever happens inside.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import AdjutantError

SIZE = "24G"
"""Apparent: the file is sparse."""
SECTOR = 512
UNMOUNT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Storage:
    """`kind` is what it is, in words."""

    directory: Path
    kind: str
    device: str = ""

    def bytes_written(self) -> int | None:
        """To the device since it is there; None where there is no device."""
        if not self.device:
            return None
        subprocess.run(["sync", "--file-system", self.directory], check=True)
        fields = Path("/sys/block", Path(self.device).name, "stat").read_text().split()
        return int(fields[6]) * SECTOR


@contextmanager
def storage(*, keep: bool = False, in_memory: bool = False) -> Iterator[Storage]:
    """An empty file system. With `keep` it stays, and its directory is for who asked to remove."""
    home = Path(tempfile.mkdtemp(prefix="kab-"))
    # Another user may pass through, if only to what he is shown: mock does not run as root.
    home.chmod(0o711)
    point = home / "fs"
    point.mkdir()
    try:
        yield _in_memory(point) if in_memory else _mounted(home / "ext4", point)
    finally:
        if not keep:
            _unmount(point)
            (home / "ext4").unlink(missing_ok=True)
            point.rmdir()
            home.rmdir()


def _mounted(image: Path, point: Path) -> Storage:
    try:
        _run("truncate", f"--size={SIZE}", image)
        _run("mkfs.ext4", "-q", "-F", "-O", "has_journal", image)
        _run("mount", "-o", "loop", image, point)
    except AdjutantError:
        image.unlink(missing_ok=True)
        return _in_memory(point)
    device = _run("findmnt", "--noheadings", "--output", "SOURCE", point).strip()
    return Storage(directory=point, kind="ext4 with a journal, on a loop device", device=device)


def _in_memory(point: Path) -> Storage:
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "koji-adjutant-bench", point)
    return Storage(directory=point, kind="tmpfs")


def _unmount(point: Path) -> None:
    deadline = time.monotonic() + UNMOUNT_SECONDS
    while point.is_mount():
        try:
            _run("umount", point)
        except AdjutantError:
            if time.monotonic() > deadline:
                _run("umount", "--lazy", point)
            time.sleep(0.2)


def _run(*argv: str | Path) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise AdjutantError(f"{argv[0]} is not on this host") from error
    if done.returncode:
        raise AdjutantError(f"{argv[0]} failed: {done.stderr.strip()}")
    return done.stdout
