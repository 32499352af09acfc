"""Preparing a buildroot before a task needs it: which tags are worth it, and what is done for a new repo of one.

A tag is worth it when a task of this host built for it within the last day; the usage records know. For a new repo
the install group is solved, which tasks then find solved; when no image has that content, one is asked for, which the
helper that makes images takes like any other request. Nothing here needs a root, and nothing waits for it.
"""

import logging
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images.keys import base_key, find_image
from koji_adjutant.buildroot.images.requests import ImageRequest, ask_for_image
from koji_adjutant.buildroot.images.usage import RootUse, UsageRecord, UsageRecords
from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import read_metadata
from koji_adjutant.buildroot.install.solutions import PackageStore
from koji_adjutant.buildroot.install.solver import Solver, Unsolvable
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ImageInfo
from koji_adjutant.container.labels import Owner
from koji_adjutant.container.programs import NullSink
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host.files import DAY
from koji_adjutant.journal.phases import Journal
from koji_adjutant.policy.methods import OF_GROUPS

WATCHED = 20
"""Tags at most: each is a query of the hub's database every half minute."""
DIRECTORY = "prewarm-"

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, order=True, kw_only=True)
class Root:
    """A root that tasks of a tag want."""

    arch: str
    group: str


@dataclass(frozen=True, kw_only=True)
class WatchedTag:
    """A tag lately built for: which roots, and which repos each has been used or prepared for."""

    tag_id: int
    last_built: float
    served: dict[Root, frozenset[int]]

    def wants(self, repo_id: int) -> tuple[Root, ...]:
        """Roots that are not prepared for this repo."""
        return tuple(sorted(root for root, repos in self.served.items() if repo_id not in repos))


def watched_tags(records: Iterable[UsageRecord], now: float) -> tuple[WatchedTag, ...]:
    """Tags that a task built for within the last day, the latest first. Pure."""
    served: dict[int, dict[Root, frozenset[int]]] = {}
    latest: dict[int, float] = {}
    for record in records:
        if record.kind != "base" or record.group not in OF_GROUPS:
            continue
        for tag in record.tags:
            if tag.tag_id and now - DAY < tag.last_used:
                roots = served.setdefault(tag.tag_id, {})
                root = Root(arch=record.arch, group=record.group)
                roots[root] = roots.get(root, frozenset()) | frozenset(tag.repo_ids)
                latest[tag.tag_id] = max(latest.get(tag.tag_id, 0.0), tag.last_used)
    tags = sorted(latest, key=lambda tag_id: latest[tag_id], reverse=True)[:WATCHED]
    return tuple(
        WatchedTag(tag_id=tag_id, last_built=latest[tag_id], served=served[tag_id]) for tag_id in tags
    )


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Prepares one root for one repo, in a helper process of `worker`."""

    settings: BuildrootSettings
    config: Config
    worker: str
    task_image: ImageInfo
    manager: ContainerManager
    journal: Journal
    last_built: float

    def run(self) -> None:
        """Solve the group, fetch what an image needs, and ask for the image unless it is there. BuildrootFailed."""
        settings = self.settings
        workdir = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY}{self.worker}-", dir=self.config.cache_dir))
        try:
            solver = self._solver(workdir)
            try:
                solution = solver.group()
            except Unsolvable as error:
                raise BuildrootFailed(f"group {settings.group}: {error}") from error
            if not solution.install:
                raise BuildrootFailed(f"comps group {settings.group} of tag {settings.tag_name} is empty")
            key = base_key(settings, self.task_image, solution)
            is_there = find_image(self.manager, key) is not None
            if not is_there:
                solver.fetch(solution)
                request = ImageRequest.of_base(key, settings, self.task_image, solution)
                ask_for_image(request, self.config, self.journal)
        finally:
            shutil.rmtree(workdir)
        use = RootUse.of(settings, "base", self.task_image.id, len(solution.install))
        UsageRecords(self.config.cache_dir).prepared(key, use, last_built=self.last_built)
        logger.info(
            "repo %s of %s: group %s is solved, its image %s",
            settings.repo_id,
            settings.tag_name,
            settings.group,
            "is there" if is_there else "will be made",
        )

    def _solver(self, workdir: Path) -> Solver:
        settings = self.settings
        with open_session() as http:
            metadata = read_metadata(settings, http)
        return Solver(
            settings=settings,
            config=self.config,
            owner=Owner(worker=self.worker, build_tag=settings.tag_name, arch=settings.arch),
            task_image=self.task_image,
            manager=self.manager,
            store=PackageStore(self.config.cache_dir),
            metadata=metadata,
            # What matters of what the solver says is in its error.
            log=NullSink(),
            workdir=workdir,
            environment={"KOJI_BUILD_TAG": settings.tag_name, "KOJI_ARCH": settings.arch},
        )


def remove_unfinished(config: Config, worker: str) -> None:
    """Remove what a helper of this worker that died has left in the cache directory; none may be running."""
    for directory in config.cache_dir.glob(f"{DIRECTORY}{worker}-*"):
        shutil.rmtree(directory)
