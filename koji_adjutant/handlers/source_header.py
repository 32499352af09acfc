"""What a build has to know of its source package, read from the package's header.

The file comes from the hub's work directory over HTTP; nothing of it is kept once the header has been read.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

import koji
import requests
import rpm

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed
from koji_adjutant.hub import files as hub_files

ARCH_FIELDS = ("buildarchs", "exclusivearch", "excludearch")


@dataclass(frozen=True, kw_only=True)
class SourceHeader:
    """The fields of a source package's header that decide what is built."""

    name: str
    version: str
    release: str
    epoch: int | None = None
    buildarchs: tuple[str, ...] = ()
    exclusivearch: tuple[str, ...] = ()
    excludearch: tuple[str, ...] = ()

    @property
    def nvr(self) -> str:
        """Name, version and release, as in file names."""
        return f"{self.name}-{self.version}-{self.release}"

    @classmethod
    def from_header(cls, header: Any) -> Self:
        """From librpm's header."""
        fields: dict[str, Any] = koji.get_header_fields(
            header, ["name", "version", "release", "epoch", *ARCH_FIELDS]
        )
        lists = {key: tuple(fields[key] or ()) for key in ARCH_FIELDS}
        return cls(
            name=fields["name"],
            version=fields["version"],
            release=fields["release"],
            epoch=fields["epoch"],
            **lists,
        )


def read_source_header(file: IO[bytes], srpm: str) -> SourceHeader:
    """The header of an open source package; BuildFailed when it is none."""
    try:
        header = _checked_header(file)
    except (rpm.error, koji.GenericError) as error:
        raise BuildFailed(
            f"{srpm} is not a source package: its header cannot be read ({error})",
            hint="it may be truncated: make it anew with rpmbuild -bs and submit it again",
        ) from error
    if not koji.get_header_field(header, "sourcepackage"):
        raise BuildFailed(f"{srpm} is not a source package", hint="submit the src.rpm")
    return SourceHeader.from_header(header)


def _checked_header(file: IO[bytes]) -> Any:
    # librpm reads from the descriptor, whose position Python does not follow.
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    koji.check_rpm_file(cast("Any", file))
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return koji.get_rpm_header(cast("Any", file))


def fetch_source_header(srpm: str, *, topurl: str, tempdir: Path, hub: hub_files.AwaitHub) -> SourceHeader:
    """The header of the file `work/<srpm>` of the hub."""
    url = names.url_below(f"{topurl}/work", srpm, "source package", BuildFailed)
    with tempfile.TemporaryFile(dir=tempdir) as file:
        try:
            hub_files.fetch(url, file, hub)
        except requests.RequestException as error:
            raise BuildFailed(
                f"SRPM file missing: {topurl}/work/{srpm} is not available ({error})"
            ) from error
        return read_source_header(file, srpm)
