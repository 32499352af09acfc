"""The source package: the tree, with manual pages and completion beside it in the tarball.

The same tree gives the same tarball in the same SOURCE_DATE_EPOCH.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from release.documents import write_documents

SPEC = Path("packaging/koji-adjutant.spec")
DOCUMENTS = "documents"
_RELEASE = re.compile(r"^(Release:\s+)\S+?(%\{\?dist\})$", re.MULTILINE)
_VERSION = re.compile(r"^Version:\s+(\S+)$", re.MULTILINE)


def make_srpm(tree: Path, directory: Path, *, release: str = "") -> Path:
    """Write the source package of `tree` to `directory`; with another `release` than the spec's if one is given."""
    spec = (tree / SPEC).read_text()
    if release:
        spec = _RELEASE.sub(rf"\g<1>{release}\g<2>", spec)
    (version,) = _VERSION.findall(spec)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="srpm-") as work:
        top = Path(work) / f"koji-adjutant-{version}"
        _copy(tree, top)
        write_documents(top / DOCUMENTS)
        _pack(top, Path(work) / f"{top.name}.tar.gz")
        written = Path(work) / SPEC.name
        written.write_text(spec)
        return _source_package(written, directory)


def tree_files(tree: Path) -> Iterator[Path]:
    """The files of a tree, relative: those that git knows, or all of a tree that was unpacked from a tarball."""
    listing = ("git", "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if (tree / ".git").exists():
        done = subprocess.run(listing, capture_output=True, text=True, check=True)
        found = [Path(name) for name in done.stdout.split("\0") if name]
        yield from sorted(path for path in found if (tree / path).is_file())
    else:
        yield from sorted(path.relative_to(tree) for path in tree.rglob("*") if path.is_file())


def _copy(tree: Path, top: Path) -> None:
    for path in tree_files(tree):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tree / path, top / path, follow_symlinks=False)


def _pack(top: Path, tarball: Path) -> None:
    when = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = when
        return member

    with tarfile.open(tarball, "w:gz", format=tarfile.PAX_FORMAT) as packed:
        packed.add(top, top.name, filter=plain)


def _source_package(spec: Path, directory: Path) -> Path:
    """rpmbuild -bs; CalledProcessError with what it said."""
    defines = {"_sourcedir": spec.parent, "_srcrpmdir": directory, "_topdir": spec.parent, "dist": "%{nil}"}
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    done = subprocess.run(
        ["rpmbuild", "-bs", "--nodeps", *words, str(spec)], capture_output=True, text=True, check=True
    )
    return Path(done.stdout.split("Wrote: ")[1].splitlines()[0])
