"""A repo's repomd.xml, read once per task: what the repo's metadata consists of, and what identifies it.

The solver, the record of origins and every cache key of a task speak of this one reading; it lives as long as the
task. A repo under another URL whose records have the same checksums is the same to all of them.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from xml.etree.ElementTree import Element

import requests
from defusedxml import DefusedXmlException, ElementTree
from requests.utils import should_bypass_proxies

from koji_adjutant import names
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host import https

REPOMD = "repodata/repomd.xml"
REPOMD_LIMIT = 1 << 20
NAMESPACE = "{http://linux.duke.edu/metadata/repo}"
KIND = re.compile(r"\w{1,64}", re.ASCII)
NAME = re.compile(r"[\w.+~^@-]+")
"""The solver finds a file by its kind, and how it is compressed by the end of its name."""
DECISIVE = (("primary",), ("filelists",), ("group", "group_gz", "group_xz", "group_zst"), ("modules",))
"""The kinds of records that a solution depends on; of several forms of the same one the first."""


@dataclass(frozen=True, kw_only=True)
class MetadataRecord:
    """A file of the repo's metadata; `location` is relative to the repo."""

    kind: str
    location: str
    checksum_kind: str
    checksum: str
    size: int = 0
    """In bytes; 0 when repomd.xml does not say."""

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

    def urls(self, baseurls: Sequence[str]) -> tuple[str, ...]:
        """The URLs of the file, of which each may have it."""
        what = f"{self.kind} metadata"
        return tuple(names.url_below(base, self.location, what, BuildrootFailed) for base in baseurls)

    def check(self) -> None:
        """BuildrootFailed unless the file can be fetched and verified, and its location stays inside the repo."""
        names.checksum(self.checksum_kind, self.checksum, "unusable record", BuildrootFailed)
        name = names.relative(self.location, "unusable record", BuildrootFailed).name
        if not NAME.fullmatch(name):
            raise BuildrootFailed(f"unusable record: {names.shown(name)} is no name of metadata")
        if not KIND.fullmatch(self.kind):
            raise BuildrootFailed(f"unusable record: {names.shown(self.kind)} is no kind of metadata")


@dataclass(frozen=True, kw_only=True)
class RepoMetadata:
    """One reading of a repomd.xml. `digest` stands for all that a solution in this repo depends on."""

    repomd: bytes
    digest: str
    records: Mapping[str, MetadataRecord]
    """All records of repomd.xml, by kind."""

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
            try:
                record.check()
            except BuildrootFailed as error:
                raise BuildrootFailed(f"{url}: {error.message}", hint="regenerate the repo") from error
        records = {record.kind: record for record in found}
        if "primary" not in records:
            raise BuildrootFailed(f"{url} names no primary metadata", hint="regenerate the repo")
        return cls(repomd=repomd, digest=records_digest(records), records=records)


def decisive_records(records: Mapping[str, MetadataRecord]) -> tuple[MetadataRecord, ...]:
    """Those of `records` that a solution depends on, in the order of DECISIVE."""
    choices = ([records[kind] for kind in forms if kind in records] for forms in DECISIVE)
    return tuple(found[0] for found in choices if found)


def records_digest(records: Mapping[str, MetadataRecord]) -> str:
    """A digest of the records that a solution depends on."""
    rows = [(record.kind, record.checksum_kind, record.checksum) for record in decisive_records(records)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def proxies(settings: BuildrootSettings) -> dict[str, str] | None:
    """mock's option yum_proxy as requests' argument `proxies`; None where it is not set."""
    return {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None


def read_metadata(settings: BuildrootSettings, http: requests.Session) -> RepoMetadata:
    """The repo's metadata as it is now, from the first of its URLs that has it."""
    failures: Sequence[str] = ()
    last: requests.RequestException | None = None
    for base in settings.baseurls:
        url = f"{base}/{REPOMD}"
        try:
            bypass = should_bypass_proxies(url, None)
            answer = http.get(url, timeout=https.TIMEOUT, proxies=None if bypass else proxies(settings))
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
