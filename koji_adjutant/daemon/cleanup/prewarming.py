"""Prewarm: what the main process knows of new repos, and what a helper does about one.

The main process asks for the newest repos of the watched tags in its own poll, every half minute, and keeps the work
that follows from it: the newest repo of a tag only, a few attempts, none while the host is busy. It reads the small
usage records and nothing else. The helper asks the hub what a task would ask, without a login.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant.buildroot.images.prewarm import Preparation, Root, WatchedTag, watched_tags
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.buildroot.settings import buildroot_settings
from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import DAY
from koji_adjutant.hub.outage import innermost
from koji_adjutant.hub.session import open_session
from koji_adjutant.policy.methods import OF_GROUPS
from koji_adjutant.policy.resolver import PolicyResolver

ASK_INTERVAL = 30.0
RETRY_SECONDS = (60.0, 300.0)
"""After the first failure, and after the second; there is no fourth attempt."""
NICENESS = 10

logger = logging.getLogger("koji.adjutant.daemon.cleanup")


@dataclass(frozen=True, kw_only=True)
class RepoRequest:
    """A new repo whose images are to be asked for. `not_before` and `last_built` are times of day."""

    tag_id: int
    repo_id: int
    roots: tuple[Root, ...]
    last_built: float
    failures: int = 0
    not_before: float = 0.0


class Prewarming:
    """The repos of watched tags that images are to be asked for, one a tag."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._is_on = config.prewarm
        self._records = UsageRecords(config.cache_dir)
        self._clock = clock
        self._tags: dict[int, WatchedTag] = {}
        self._asked = 0.0
        self._requests: dict[int, RepoRequest] = {}
        self._settled: dict[int, int] = {}
        """By the id of a tag: the id of the repo that nothing more is done for."""

    def tags_to_ask(self) -> tuple[int, ...]:
        """Tags whose newest repo the next poll asks for; mostly none."""
        now = self._clock()
        if not self._is_on or now - self._asked < ASK_INTERVAL:
            return ()
        self._asked = now
        try:
            tags = watched_tags(self._records.all(since=now - DAY), now)
        except OSError as error:
            # Polling the hub matters more.
            logger.warning("Usage records cannot be read: %s", error)
            return ()
        self._tags = {tag.tag_id: tag for tag in tags}
        return tuple(self._tags)

    def take_repos(self, repos: Iterable[tuple[int, int]]) -> None:
        """Take the hub's answer: ids of tags, each with the id of its newest repo."""
        for tag_id, repo_id in repos:
            request = self._requests.get(tag_id)
            if self._settled.get(tag_id) == repo_id or (request is not None and request.repo_id == repo_id):
                continue
            tag = self._tags[tag_id]
            roots = tag.wants(repo_id)
            if roots:
                self._requests[tag_id] = RepoRequest(
                    tag_id=tag_id, repo_id=repo_id, roots=roots, last_built=tag.last_built
                )
            else:
                self._requests.pop(tag_id, None)
                self._settled[tag_id] = repo_id

    def next_request(self) -> RepoRequest | None:
        """The request to carry out now, that of the tag that was built for last; None when there is none."""
        now = self._clock()
        due = [request for request in self._requests.values() if request.not_before <= now]
        return max(due, key=lambda request: request.last_built, default=None)

    def ended(self, request: RepoRequest, *, is_done: bool) -> None:
        """A helper has dealt with `request`, or failed."""
        if self._requests.get(request.tag_id) != request:
            # A newer repo has come meanwhile.
            return
        if is_done or request.failures >= len(RETRY_SECONDS):
            del self._requests[request.tag_id]
            self._settled[request.tag_id] = request.repo_id
            return
        again = self._clock() + RETRY_SECONDS[request.failures]
        self._requests[request.tag_id] = replace(request, failures=request.failures + 1, not_before=again)


def is_quiet(config: Config) -> bool:
    """Whether the load of the host leaves room for what nobody waits for."""
    return os.getloadavg()[0] <= config.max_load_per_cpu / 2 * (os.cpu_count() or 1)


def prepare(request: RepoRequest, services: Services) -> None:
    """In a helper: prepare all roots of `request`. BuildrootFailed, EngineUnavailable."""
    os.nice(NICENESS)
    config = services.config
    session: Any = open_session(config)
    session.give_up_early()
    try:
        repo: Any = session.repoInfo(request.repo_id, strict=True)
        build_config: Any = session.getBuildConfig(request.tag_id, event=repo["create_event"])
    except (koji.GenericError, Fault, requests.RequestException) as error:
        raise BuildrootFailed(
            f"repo {request.repo_id} of tag {request.tag_id}: the hub does not tell: {innermost(error)}"
        ) from error
    finally:
        session.forget()
    for root in request.roots:
        _prepare_root(request, root, services, dict(repo), cast("dict[str, Any]", build_config))


def _prepare_root(
    request: RepoRequest, root: Root, services: Services, repo: dict[str, Any], build_config: dict[str, Any]
) -> None:
    config = services.config
    settings = buildroot_settings(
        repo=repo, build_config=build_config, arch=root.arch, group=root.group, config=config
    )
    choice = PolicyResolver(config).image_for(
        tag_name=settings.tag_name,
        tag_extra=build_config["extra"],
        arch=settings.arch,
        # Image policy depends on it.
        method=OF_GROUPS[root.group].name,
    )
    image = services.manager.ensure_image_available(choice.reference, config.image_pull_policy)
    Preparation(
        settings=settings,
        config=config,
        worker=services.worker,
        task_image=image,
        manager=services.manager,
        journal=services.journal,
        last_built=request.last_built,
    ).run()
