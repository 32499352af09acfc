"""Repository metadata on disk: is it whole, and how many packages does it tell of?

Read from what createrepo_c and mergerepo_c wrote a moment ago, once and piece by piece. Metadata that
are not what their repomd.xml says are a TaskFailed that says how.
"""

import errno
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from koji_adjutant import names
from koji_adjutant.errors import ExpansionFailed, TaskFailed
from koji_adjutant.host.compression import open_expanded

REPO = "{http://linux.duke.edu/metadata/repo}"
OLD_NAMES = {"sha": "sha1"}
HEAD = 4096
"""Bytes of primary.xml within which the number of packages stands."""
EXPANDED_LIMIT = 1 << 20
"""More than is expanded to read them."""
PACKAGES = re.compile(rb'<metadata\b[^>]*\bpackages="(\d+)"')


@dataclass(frozen=True, kw_only=True)
class Record:
    """A file that repomd.xml names."""

    kind: str
    path: Path
    checksum_type: str
    checksum: str
    size: int | None


def records(repodata: Path) -> tuple[Record, ...]:
    """What repomd.xml names."""
    repomd = repodata / "repomd.xml"
    try:
        # Written by createrepo_c on this host, without a DTD: nothing in it can expand.
        root = ET.parse(repomd).getroot()  # noqa: S314
    except FileNotFoundError:
        raise TaskFailed("repomd.xml is missing") from None
    except ET.ParseError as error:
        is_cut = not repomd.read_bytes().rstrip().endswith(b">")
        raise TaskFailed(f"repomd.xml cannot be read: {error}") from (_cut(repomd) if is_cut else error)
    return tuple(_record(repodata, data) for data in root.iter(f"{REPO}data"))


def _record(repodata: Path, data: ET.Element) -> Record:
    kind = data.get("type", "")
    location, checksum = data.find(f"{REPO}location"), data.find(f"{REPO}checksum")
    size = data.findtext(f"{REPO}size")
    if location is None or checksum is None:
        raise TaskFailed(f"repomd.xml has no location or checksum for {kind}")
    return Record(
        kind=kind,
        path=repodata / names.relative(location.get("href", ""), "metadata file", TaskFailed).name,
        checksum_type=OLD_NAMES.get(checksum.get("type", ""), checksum.get("type", "")),
        checksum=(checksum.text or "").strip(),
        size=int(size) if size else None,
    )


def verify_repodata(repodata: Path) -> tuple[Record, ...]:
    """The records of repomd.xml, once every file has been found as it says."""
    found = records(repodata)
    for record in found:
        _verify(record)
    return found


def _cut(path: Path) -> OSError:
    """Of a file that is shorter than it was to be: these tools do not say that they found no room for the rest."""
    return OSError(errno.ENOSPC, "what was written there is not whole, as on a full disk", str(path))


def _verify(record: Record) -> None:
    try:
        with record.path.open("rb") as file:
            digest = hashlib.file_digest(file, record.checksum_type).hexdigest()
            size = file.tell()
    except FileNotFoundError:
        raise TaskFailed(f"{record.path.name}, which repomd.xml names, is missing") from None
    except ValueError:
        raise TaskFailed(f"repomd.xml has checksums of type {record.checksum_type!r}") from None
    if record.size is not None and size != record.size:
        cause = _cut(record.path) if size < record.size else None
        raise TaskFailed(f"{record.path.name} has {size} bytes, repomd.xml says {record.size}") from cause
    if digest != record.checksum:
        raise TaskFailed(
            f"{record.path.name} has {record.checksum_type} {digest}, repomd.xml says {record.checksum}"
        )


def package_count(found: tuple[Record, ...]) -> int:
    """How many packages the primary metadata have."""
    primary = next((record for record in found if record.kind == "primary"), None)
    if primary is None:
        raise TaskFailed("repomd.xml names no primary metadata")
    match = PACKAGES.search(_head(primary.path))
    if not match:
        raise TaskFailed(f"{primary.path.name} does not say how many packages it has")
    return int(match[1])


def pkglist_count(pkglist: Path) -> int:
    """How many packages a pkglist asks for."""
    with pkglist.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def _head(path: Path) -> bytes:
    try:
        with open_expanded(path, EXPANDED_LIMIT) as file:
            return file.read(HEAD)
    except (OSError, ExpansionFailed) as error:
        raise TaskFailed(f"{path.name} cannot be read: {error}") from error
