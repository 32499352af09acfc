"""A repository of a distribution's size: made-up packages in its metadata, around a real repository's own.

The real packages are reached as before; behind the made-up ones there is no file, so nothing that is installed
may need one. Made in a temporary directory and moved to its place when whole; then only read.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.host.compression import open_expanded
from koji_adjutant.testbed.synthetic.packages import Texts, identity, package, vocabulary
from koji_adjutant.testbed.synthetic.repodata import (
    CompressedFile,
    Record,
    packages_of,
    plain_record,
    read_files,
    read_records,
    with_count,
    write_repomd,
)

PACKAGES = 60_000
_KINDS = ("primary", "filelists", "other")
_EXPANDED_LIMIT = 1 << 30
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class SyntheticRepo:
    """Which packages are made up: all of them follow from this."""

    packages: int = PACKAGES
    seed: int = 1
    generation: int = 0
    """In each, a hundredth of the made-up packages has changed against the one before."""


def make_synthetic(directory: Path, real: Path, wanted: SyntheticRepo) -> Path:
    """A repository around `real` (which has Packages and repodata), below `directory`; kept for the next time."""
    files = read_files(real)
    content = hashlib.sha256(repr(wanted).encode())
    for kind in (*_KINDS, "group"):
        if kind in files:
            content.update(files[kind].read_bytes())
    made = directory / f"synthetic-{wanted.packages}-{wanted.generation}-{content.hexdigest()[:12]}"
    if not made.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=directory) as incoming:
            work = Path(incoming) / made.name
            (work / "repodata").mkdir(parents=True)
            (work / "Packages").symlink_to((real / "Packages").absolute())
            write_repomd(work / "repodata", _write(work / "repodata", files, wanted))
            work.rename(made)
    return made


def enlarge(repo: Path, cache: Path, wanted: SyntheticRepo) -> None:
    """Give the repository of a tag at `repo` (the directory of an arch), fresh from the hub, a distribution's size.

    What it has stays; the bulk is made once per content of the repository and kept in `cache`.
    """
    made = make_synthetic(cache, repo, wanted)
    files = read_files(repo)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=repo) as incoming:
        work = Path(incoming) / "repodata"
        shutil.copytree(made / "repodata", work, copy_function=_link)
        records = read_records(work)
        if "origin" in files:
            records.append(_origins(files["origin"], work, wanted))
        (work / "repomd.xml").unlink()
        write_repomd(work, records, revision=int(time.time()))
        (repo / "repodata").rename(Path(incoming) / "replaced")
        work.rename(repo / "repodata")


def _link(source: str, target: str) -> None:
    """Not a second copy on the disk where one will do."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _text(metadata: Path) -> str:
    """What the file says, whatever its maker has compressed it with."""
    with open_expanded(metadata, _EXPANDED_LIMIT) as file:
        return file.read().decode()


def _origins(real: Path, repodata: Path, wanted: SyntheticRepo) -> Record:
    """pkgorigins with the made-up packages: they come from where the first package does."""
    lines = _text(real)
    url = lines.partition("\n")[0].partition("\t")[2]
    words = vocabulary(wanted.seed, wanted.packages)
    with CompressedFile(repodata, "origin", "pkgorigins.gz") as file:
        file.add(lines)
        for number in range(wanted.packages):
            file.add(f"{identity(words, number, wanted.generation).nvra}\t{url}\n")
    return file.record


def _write(repodata: Path, real: Mapping[str, Path], wanted: SyntheticRepo) -> list[Record]:
    with ExitStack() as stack:
        out = {kind: stack.enter_context(CompressedFile(repodata, kind, f"{kind}.xml.gz")) for kind in _KINDS}
        ends = {kind: _begin(file, real[kind], wanted) for kind, file in out.items()}
        for batch in _batches(wanted):
            for kind, file in out.items():
                file.add("".join([getattr(texts, kind) for texts in batch]))
        for kind, file in out.items():
            file.add(ends[kind])
    records = [file.record for file in out.values()]
    if "group" in real:
        comps = repodata / "comps.xml"
        comps.write_text(_text(real["group"]))
        records.append(plain_record("group", comps))
    return records


def _begin(file: CompressedFile, real: Path, wanted: SyntheticRepo) -> str:
    """Everything up to the first made-up package; returns what comes after the last."""
    text = _text(real)
    packages = packages_of(text)
    head, _, rest = text.partition("<package ")
    end = (rest or head).rpartition("</package>\n")[2]
    file.add(with_count(head, len(packages) + wanted.packages) + "".join(packages))
    return end


def _batches(wanted: SyntheticRepo) -> Iterator[list[Texts]]:
    words = vocabulary(wanted.seed, wanted.packages)
    for start in range(0, wanted.packages, _BATCH):
        numbers = range(start, min(start + _BATCH, wanted.packages))
        yield [package(words, number, wanted.generation) for number in numbers]
