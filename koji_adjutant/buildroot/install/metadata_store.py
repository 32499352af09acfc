"""Repo metadata on the host, shared by all tasks whose repos have the same: a directory for each digest.

A directory appears under its name as a whole, every file in it verified, and is removed while nobody holds it. Beside
the metadata are the solver's own caches of it, one set for each task image and solver's program: who comes first makes
them while others wait; afterwards all use them at once.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import quoteattr

from koji_adjutant.buildroot.install.downloads import PAUSE, Download, Downloads, locked, locked_at_once
from koji_adjutant.buildroot.install.repo_metadata import REPOMD, MetadataRecord, RepoMetadata, proxies
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host.compression import foreign_format

logger = logging.getLogger("koji.adjutant.buildroot.install")


@dataclass(frozen=True, kw_only=True)
class HeldMetadata:
    """Metadata of one digest, held. `solver_caches` is where those of this task image are, or belong."""

    directory: Path
    solver_caches: Path

    @property
    def has_caches(self) -> bool:
        """Whether the solver's caches are there already."""
        return self.solver_caches.is_dir()

    def keep_caches(self, made: Path) -> None:
        """Take over the caches that the solver has made anew in the directory `made`."""
        new = [path for path in made.iterdir() if path.is_file() and not path.is_symlink()]
        if not new and self.has_caches:
            return
        partial = Path(tempfile.mkdtemp(dir=self.directory, prefix="."))
        try:
            for path in new:
                shutil.copyfile(path, partial / path.name)
            if not self.has_caches:
                partial.chmod(0o755)
                partial.rename(self.solver_caches)
                return
            for path in new:
                (partial / path.name).rename(self.solver_caches / path.name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


class MetadataStore:
    """The store below the cache directory."""

    def __init__(self, cache_dir: Path, *, pause: float = PAUSE) -> None:
        """`pause`: seconds before a file that could not be had is asked for again."""
        self.directory = cache_dir / "metadata"
        self._pause = pause
        self.directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def held(
        self, metadata: RepoMetadata, settings: BuildrootSettings, image: str, program: str
    ) -> Iterator[HeldMetadata]:
        """The metadata, fetched if it is not here; exclusively while the solver's caches are not there either.

        `image` and `program` are digests of what makes the caches.
        """
        directory = self.directory / metadata.digest
        caches = f"solver-{image.removeprefix('sha256:')[:16]}-{program[:16]}"
        found = HeldMetadata(directory=directory, solver_caches=directory / caches)
        lock = self.directory / f"{metadata.digest}.lock"
        while True:
            with locked(lock, exclusive=False):
                if found.has_caches:
                    os.utime(directory)
                    yield found
                    return
            with locked(lock):
                # Who has waited for the caches goes on with all others that did.
                if not found.has_caches:
                    if not directory.is_dir():
                        self._fetch(metadata, settings, directory)
                    os.utime(directory)
                    yield found
                    return

    def discard(self, metadata: RepoMetadata) -> None:
        """Remove the metadata, which the solver could not use: the next task fetches and reads it anew."""
        directory = self.directory / metadata.digest
        if directory.is_dir() and remove_metadata(directory):
            logger.warning("metadata %s is thrown away", directory)

    def _fetch(self, metadata: RepoMetadata, settings: BuildrootSettings, directory: Path) -> None:
        partial = directory.with_name(f"{directory.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            wanted = [
                Download(
                    title=f"{record.kind} metadata of repo {settings.repo_id} of {settings.tag_name}",
                    urls=record.urls(settings.baseurls),
                    checksum_kind=record.checksum_kind,
                    checksum=record.checksum,
                    size=record.size,
                    target=partial / local_name(record),
                )
                for record in metadata.decisive
            ]
            Downloads(partial / "partial", proxies(settings), pause=self._pause).fetch(wanted)
            shutil.rmtree(partial / "partial")
            for one in wanted:
                refuse_foreign(one)
            (partial / REPOMD).write_text(local_repomd(metadata))
            partial.rename(directory)
        except OSError as error:
            raise BuildrootFailed(f"metadata cannot be kept in {self.directory}: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def refuse_foreign(fetched: Download) -> None:
    """BuildrootFailed for a file of metadata that nothing here can read, however it is called."""
    if kind := foreign_format(fetched.target):
        raise BuildrootFailed(
            f"{fetched.title} ({fetched.urls[0]}) has a compression that nothing here reads: {kind}",
            hint="make the repo with createrepo_c --general-compress-type=gz, bz2, xz or zstd",
        )


def remove_metadata(directory: Path) -> bool:
    """Remove the metadata of one digest and its lock, unless somebody holds it."""
    lock = directory.with_name(f"{directory.name}.lock")
    with locked_at_once(lock) as is_ours:
        if not is_ours:
            return False
        # Gone at once; what is left of it when this process is killed is removed with the next metadata of its digest.
        partial = directory.with_name(f"{directory.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        directory.rename(partial)
        shutil.rmtree(partial)
        lock.unlink()
    return True


def local_name(record: MetadataRecord) -> str:
    """The path of a file of metadata, relative to the directory of its digest; its suffix says how it is compressed."""
    return f"repodata/{record.kind}-{PurePosixPath(record.location).name}"


def local_repomd(metadata: RepoMetadata) -> str:
    """A repomd.xml of exactly those files that are kept: the same for every repo of this digest."""
    rows = "".join(
        f"  <data type={quoteattr(record.kind)}>\n"
        f"    <checksum type={quoteattr(record.checksum_kind)}>{record.checksum}</checksum>\n"
        f"    <location href={quoteattr(local_name(record))}/>\n"
        f"  </data>\n"
        for record in metadata.decisive
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<repomd xmlns="http://linux.duke.edu/metadata/repo">\n'
        f"  <revision>{metadata.digest}</revision>\n{rows}</repomd>\n"
    )
