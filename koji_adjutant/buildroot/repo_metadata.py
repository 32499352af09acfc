"""A repo's repomd.xml, read once per task: what the repo's metadata consists of, and what identifies it.

The solver, the record of origins and every cache key of a task speak of this one reading; it lives as long as the
task. A repo under another URL whose records have the same checksums is the same to all of them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self
from xml.etree.ElementTree import Element

import requests
from defusedxml import DefusedXmlException, ElementTree
from requests.utils import should_bypass_proxies

from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildrootFailed

REPOMD = "repodata/repomd.xml"
REPOMD_LIMIT = 1 << 20
TIMEOUT = (20, 60)
"""Seconds to connect, and between two pieces of an answer."""
NAMESPACE = "{http://linux.duke.edu/metadata/repo}"
DECISIVE = (("primary",), ("filelists",), ("group", "group_gz", "group_xz", "group_zst"), ("modules",))
"""The kinds of records that a solution depends on; of several forms of the same one the first."""
CHECKSUM_KINDS = frozenset({"md5", "sha", "sha1", "sha224", "sha256", "sha384", "sha512"})


@dataclass(frozen=True, kw_only=True)
class MetadataRecord:
    """A file of the repo's metadata; `location` is relative to the repo."""

    kind: str
    location: str
    checksum_kind: str
    checksum: str
    size: int = 0
    """0 is unknown."""

    @classmethod
    def from_element(cls, data: Element) -> Self | None:
        """A data element of repomd.xml; None when it does not say where the file is, or what it must be."""
        location, checksum = data.find(f"{NAMESPACE}location"), data.find(f"{NAMESPACE}checksum")
        if location is None or checksum is None:
            return None
        return cls(
            kind=data.get("type") or "",
            location=location.get("href") or "",
            checksum_kind=checksum.get("type") or "",
            checksum=(checksum.text or "").strip().lower(),
            size=int(size) if (size := data.findtext(f"{NAMESPACE}size", "").strip()).isdecimal() else 0,
        )

    @property
    def is_sane(self) -> bool:
        """Whether it can be fetched and verified, and stays inside the repo."""
        path = PurePosixPath(self.location)
        return (
            self.checksum_kind in CHECKSUM_KINDS
            and re.fullmatch(r"[0-9a-f]{32,128}", self.checksum) is not None
            and re.fullmatch(r"\w+", self.kind) is not None
            and re.fullmatch(r"[\w.+~^%@-]+", path.name) is not None
            and not path.is_absolute()
            and ".." not in path.parts
        )


@dataclass(frozen=True, kw_only=True)
class RepoMetadata:
    """One reading of a repomd.xml. `digest` stands for all that a solution in this repo depends on."""

    repomd: bytes
    digest: str
    records: Mapping[str, MetadataRecord]
    """By kind."""

    @property
    def decisive(self) -> tuple[MetadataRecord, ...]:
        """The records that a solution depends on."""
        return decisive_records(self.records)

    @classmethod
    def parse(cls, repomd: bytes, url: str) -> Self:
        """What `repomd`, read from `url`, says; BuildrootFailed when it cannot be what a repo offers."""
        try:
            elements = list(ElementTree.fromstring(repomd).iter(f"{NAMESPACE}data"))
        except (ElementTree.ParseError, DefusedXmlException) as error:
            raise BuildrootFailed(
                f"{url} is not usable: {error} ({len(repomd)} bytes)", hint="regenerate the repo"
            ) from error
        found = [record for data in elements if (record := MetadataRecord.from_element(data)) is not None]
        for record in found:
            if not record.is_sane:
                raise BuildrootFailed(
                    f"{url}: unusable record {record.kind!r} at {record.location!r} "
                    f"with checksum {record.checksum_kind!r}",
                    hint="regenerate the repo",
                )
        records = {record.kind: record for record in found}
        if "primary" not in records:
            raise BuildrootFailed(f"{url} names no primary metadata", hint="regenerate the repo")
        return cls(repomd=repomd, digest=records_digest(records), records=records)


def decisive_records(records: Mapping[str, MetadataRecord]) -> tuple[MetadataRecord, ...]:
    """Those that a solution depends on, always in the same order."""
    choices = ([records[kind] for kind in forms if kind in records] for forms in DECISIVE)
    return tuple(found[0] for found in choices if found)


def records_digest(records: Mapping[str, MetadataRecord]) -> str:
    """A digest of the records that a solution depends on."""
    rows = [(record.kind, record.checksum_kind, record.checksum) for record in decisive_records(records)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def proxies(settings: BuildrootSettings) -> dict[str, str] | None:
    """What requests is to be told of yum_proxy."""
    return {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None


def read_metadata(settings: BuildrootSettings, http: requests.Session) -> RepoMetadata:
    """The repo's metadata as it is now, from the first of its URLs that has it."""
    failures: Sequence[str] = ()
    last: requests.RequestException | None = None
    for base in settings.baseurls:
        url = f"{base}/{REPOMD}"
        try:
            bypass = should_bypass_proxies(url, None)
            answer = http.get(url, timeout=TIMEOUT, proxies=None if bypass else proxies(settings))
        except requests.RequestException as error:
            failures, last = (*failures, f"{url}: {error}"), error
            continue
        if answer.ok:
            return RepoMetadata.parse(answer.content[:REPOMD_LIMIT], url)
        failures = (*failures, f"{url}: {answer.status_code} {answer.reason}")
        last = requests.HTTPError(failures[-1], response=answer)
    raise BuildrootFailed(
        f"repo {settings.repo_id} of {settings.tag_name} cannot be read: {'; '.join(failures)}",
        hint="check topurl and the hub's web server",
    ) from last
