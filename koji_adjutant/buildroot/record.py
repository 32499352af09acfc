"""The buildroot as the hub knows it: its record, from newBuildRoot to EXPIRED, and its packages, with the origin of
each.

The hub enforces the order INIT, BUILDING, EXPIRED, wants the base list in INIT and an update in BUILDING
(kojid-facts 4.3), and keeps the repo only while a record that is not expired refers to it. So a record is opened
before the first package is fetched, and leaving the context expires it, whatever happened. A call whose answer was
lost is looked up: a second record would be one that nobody expires.

A package is of a build of the hub's, or of an external repo (kojid-facts 4.5). That is read from the task's own repo,
and valid for that repo only. A package whose origin cannot be told fails the task: the hub would refuse the list, and a
wrong origin would be worse.
"""

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import koji
import requests

from koji_adjutant import names
from koji_adjutant.buildroot.install.downloads import checksum_of, open_session
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata, read_metadata
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.errors import BuildFailed, BuildrootFailed, ExpansionFailed, TaskCanceled
from koji_adjutant.host.compression import expanded
from koji_adjutant.hub.outage import do_once, look_first
from koji_adjutant.hub.session import HubSession

RPMLIST = "rpmlist.jsonl"
NAME_FIELD = re.compile(rb'"name": *"([^"]*)"')
"""A package's name in a line of that file: of the tens of thousands of lines of a large tag a buildroot needs a few
hundred, and to look for this is ten times faster than to parse."""
ORIGINS_LIMIT = 1 << 28
"""Bytes of a repo's origins, expanded. A package has one line, of its name and a URL: this is room for a million."""
TIMEOUT = (20, 300)
"""Seconds to connect and between two pieces of an answer."""
NESTED_LIMIT = 2000
"""Packages in a list up to which each carries its whole external repo, as kojid's do: 1.5 kB an entry, and the hub
takes requests of up to 4 MiB. Beyond, the repo's id has to do (hub-calls 10)."""

logger = logging.getLogger("koji.adjutant.buildroot")


# Origins


class MissingFile(BuildrootFailed):
    """The servers answer, and none of them has the file."""


@dataclass(frozen=True, kw_only=True)
class Origins:
    """The origin of every package that a repo offers."""

    external: Mapping[str, Mapping[str, Any]]
    """External repos (rows of getExternalRepoList) by the URL that the repo's metadata names."""
    urls: Mapping[str, str]
    """Origin URL by NVRA; empty when the tag has no external repo."""
    premerge: str
    """How the origin URL of the hub's own packages ends."""
    internal: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Id and payload hash of packages of the hub's own, by NVRA: those that `rpmlist` does not have."""
    rpmlist: bytes = b""
    """The repo's rpmlist.jsonl."""

    def rows(self, packages: Collection[InstalledPackage]) -> list[dict[str, Any]]:
        """Entries for setBuildRootList and updateBuildRootList."""
        names = frozenset(package.name for package in packages)
        internal = {**self.internal, **internal_packages(self.rpmlist, names)}
        rows = [self._row(package, internal) for package in packages]
        if len(rows) > NESTED_LIMIT:
            for row in rows:
                row.pop("external_repo", None)
        return rows

    def _row(self, package: InstalledPackage, internal: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
        row = package.row()
        repo = self._external_repo(package)
        if repo is not None:
            row["external_repo"] = dict(repo)
            row["location"] = repo["external_repo_id"]
            return row
        known = internal.get(package.nvra)
        if known is None:
            logger.warning("%s is not in the repo's rpmlist.jsonl: the hub has to find it", package.nvra)
        elif known[1] not in (package.payloadhash, *package.others):
            raise BuildrootFailed(
                f"hash mismatch for {package.nvra}: {package.payloadhash}, the hub has {known[1]}",
                hint="the repo and the build's file differ: check the volume that holds the build",
            )
        else:
            row["id"], row["payloadhash"] = known
        return row

    def _external_repo(self, package: InstalledPackage) -> Mapping[str, Any] | None:
        if not self.external:
            return None
        url = self.urls.get(package.nvra)
        if url is None:
            raise BuildFailed(f"No origin for {package.nvra}: the repo's pkgorigins does not name it")
        if url in self.external:
            return self.external[url]
        if url.startswith("file://") and url.endswith(self.premerge):
            return None
        raise BuildFailed(f"Unknown origin for {package.nvra}: {url} is no external repo of the build tag")


def read_origins(
    session: HubSession, settings: BuildrootSettings, metadata: RepoMetadata | None = None
) -> Origins:
    """Ask the hub for the external repos, and the repo, whose `metadata` may be known, for its packages' origins."""
    external = external_repos(session, settings)
    rpmlist, drafts, urls = b"", {}, {}
    with open_session() as http:
        try:
            rpmlist = fetch(http, settings.baseurls, RPMLIST)
        except MissingFile:
            drafts = draft_packages(session, settings)
        if external:
            urls = origin_urls(http, settings, metadata or read_metadata(settings, http))
    premerge = f"/repo_{settings.repo_id}_premerge/"
    return Origins(external=external, urls=urls, internal=drafts, rpmlist=rpmlist, premerge=premerge)


def external_repos(session: HubSession, settings: BuildrootSettings) -> dict[str, Mapping[str, Any]]:
    """Rows of getExternalRepoList by the URL that the repo's metadata names."""
    hub: Any = session
    rows = hub.getExternalRepoList(settings.tag_id, event=settings.event_id)
    return {row["url"].replace("$arch", settings.arch): row for row in rows}


def draft_packages(session: HubSession, settings: BuildrootSettings) -> dict[str, tuple[int, str]]:
    """Id and payload hash of drafts by NVRA, of a repo of an older hub, without rpmlist.jsonl.

    The hub finds all others by NVRA itself.
    """
    logger.warning("repo %s of %s has no %s", settings.repo_id, settings.tag_name, RPMLIST)
    hub: Any = session
    drafts, _builds = hub.listTaggedRPMS(
        tag=settings.tag_id, event=settings.event_id, latest=True, draft=True
    )
    return by_nvra(drafts)


def internal_packages(rpmlist: bytes, names: frozenset[str]) -> dict[str, tuple[int, str]]:
    """Id and payload hash of the packages of these names in rpmlist.jsonl, by NVRA."""
    return by_nvra(json.loads(line) for line in io.BytesIO(rpmlist) if _may_be_of(line, names))


def _may_be_of(line: bytes, names: frozenset[str]) -> bool:
    found = NAME_FIELD.search(line)
    # A name is plain text in it but for an escape, which has to be parsed to be known.
    return found is None or b"\\" in found[1] or found[1].decode(errors="replace") in names


def by_nvra(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
    """Id and payload hash of the hub's rows of packages, by NVRA."""
    return {
        f"{row['name']}-{row['version']}-{row['release']}.{row['arch']}": (row["id"], row["payloadhash"])
        for row in rows
    }


def origin_urls(
    http: requests.Session,
    settings: BuildrootSettings,
    metadata: RepoMetadata,
    *,
    limit: int = ORIGINS_LIMIT,
) -> dict[str, str]:
    """pkgorigins of the repo, of at most `limit` bytes when expanded: origin URL by NVRA."""
    record = metadata.records.get("origin")
    if record is None:
        raise BuildFailed(
            f"repo {settings.repo_id} has no origin data although tag {settings.tag_name} has external repos",
            hint="regenerate the repo",
        )
    data = fetch(http, settings.baseurls, record.location)
    digest = checksum_of(record.checksum_kind)
    digest.update(data)
    if digest.hexdigest() != record.checksum:
        raise BuildrootFailed(
            f"{record.location} of repo {settings.repo_id} of {settings.tag_name} is not what its repomd.xml says",
            hint="regenerate the repo",
        )
    try:
        with expanded(io.BytesIO(data), record.location, limit) as file:
            return parse_origins(io.TextIOWrapper(file, encoding="utf-8"))
    except (ExpansionFailed, UnicodeDecodeError) as error:
        raise BuildrootFailed(
            f"the origins of repo {settings.repo_id} of {settings.tag_name} cannot be read: {error}",
            hint="regenerate the repo",
        ) from error


def parse_origins(lines: Iterable[str]) -> dict[str, str]:
    """Lines `[epoch:]name-version-release.arch<TAB>URL`, by NVRA: mergerepo_c leaves out every epoch."""
    found = {}
    for line in lines:
        name, _, url = line.rstrip("\n").partition("\t")
        found[without_epoch(name)] = sys.intern(url)
    return found


def without_epoch(text: str) -> str:
    """`1:name-v-r.a` and `name-1:v-r.a` as `name-v-r.a`."""
    front, colon, rest = text.partition(":")
    if not colon:
        return text
    return rest if front.isdigit() else f"{front.rpartition('-')[0]}-{rest}"


def fetch(http: requests.Session, baseurls: Sequence[str], location: str) -> bytes:
    """A file of the repo, from the first of its URLs that has it; MissingFile when none of them has."""
    failures, missing = [], 0
    last: requests.RequestException | None = None
    for base in baseurls:
        url = names.url_below(base, location, "file of the repo", BuildrootFailed)
        try:
            answer = http.get(url, timeout=TIMEOUT)
        except requests.RequestException as error:
            failures.append(f"{url}: {error}")
            last = error
            continue
        if answer.ok:
            return answer.content
        last = requests.HTTPError(f"{url}: {answer.status_code}", response=answer)
        missing += answer.status_code == HTTPStatus.NOT_FOUND
        failures.append(f"{url}: {answer.status_code} {answer.reason}")
    fault = MissingFile if missing == len(baseurls) else BuildrootFailed
    raise fault(
        f"the repo's {location} cannot be read: {'; '.join(failures)}",
        hint="check topurl and the hub's web server",
    ) from last


# The record


class BuildrootRecord:
    """One row of the hub's buildroots; `id` is 0 before the context is entered."""

    def __init__(self, session: HubSession, *, repo_id: int, arch: str, task_id: int) -> None:
        self.id = 0
        self._session = session
        self._host = session.host
        self._repo_id = repo_id
        self._arch = arch
        self._task_id = task_id
        self._expired = False

    def __enter__(self) -> Self:
        self.id = look_first(
            "newBuildRoot",
            lambda: self._host.newBuildRoot(self._repo_id, self._arch, task_id=self._task_id),
            self._find,
        )
        return self

    def _find(self) -> int | None:
        """The record that a call has made whose answer did not arrive: the newest one, still without packages."""
        hub: Any = self._session
        found = hub.listBuildroots(taskID=self._task_id, state=koji.BR_STATES["INIT"])
        ids = [row["id"] for row in found if (row["repo_id"], row["arch"]) == (self._repo_id, self._arch)]
        newest = max(ids, default=None)
        return None if newest is None or self._has_list(newest) else newest

    def _has_list(self, buildroot: int) -> bool:
        hub: Any = self._session
        return bool(hub.listRPMs(componentBuildrootID=buildroot, queryOpts={"limit": 1}))

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._expired:
            return
        try:
            if kind is None or issubclass(kind, Exception):
                self.expire()
            else:
                # The process is to end now, whether the hub answers or not.
                self._session.call_once("host.setBuildRootState", self.id, "EXPIRED")
        except (koji.GenericError, OSError, TaskCanceled):
            if kind is None:
                raise
            # The daemon expires what is left of a task that is not its own any more.
            logger.warning("buildroot %d of task %d could not be expired", self.id, self._task_id)

    def set_list(self, packages: Sequence[dict[str, Any]]) -> None:
        """Report the base set."""
        do_once(
            "setBuildRootList",
            lambda: self._host.setBuildRootList(self.id, list(packages)),
            lambda: self._has_list(self.id),
        )

    def building(self) -> None:
        """Say that the build begins."""
        self._host.setBuildRootState(self.id, "BUILDING")

    def update_list(self, packages: Sequence[dict[str, Any]]) -> None:
        """Report everything that is installed now."""
        self._host.updateBuildRootList(self.id, list(packages))

    def expire(self) -> None:
        """Say that the buildroot is gone."""
        self._host.setBuildRootState(self.id, "EXPIRED")
        self._expired = True


class PackageLists:
    """Reports to the hub which packages a buildroot has; where they come from is read while its root is made."""

    def __init__(
        self,
        record: BuildrootRecord,
        read: Callable[[], Origins],
        submit: Callable[[Callable[[], Origins]], Future[Origins]],
    ) -> None:
        """`read` asks hub and repo for the origin of each package, `submit` has it do so in another thread."""
        self._record = record
        self._read = read
        self._submit = submit
        self._origins: Future[Origins] | None = None

    def begin(self) -> None:
        """A root is being made: begin to read."""
        self._origins = self._submit(self._read)

    def base(self, packages: Sequence[InstalledPackage]) -> None:
        """Report the base set, and that the build begins."""
        self._record.set_list(self._rows(packages))
        self._record.building()

    def whole(self, packages: Sequence[InstalledPackage]) -> None:
        """Report everything that is installed after the build."""
        self._record.update_list(self._rows(packages))

    def _rows(self, packages: Sequence[InstalledPackage]) -> list[dict[str, Any]]:
        origins = self._read() if self._origins is None else self._origins.result()
        return origins.rows(packages)
