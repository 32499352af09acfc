"""The repo from which a new one may take its metadata over: the tag's own last one, or a relative's."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from koji_adjutant.hub.session import HubSession

logger = logging.getLogger("koji.adjutant.handlers.repo")

HINT_KEY = "repo.oldrepo_hint"


def find_old_repo(session: HubSession, tag: Mapping[str, Any]) -> dict[str, Any] | None:
    """The hub's row of that repo, with the id of its tag; None when there is none."""
    repo: dict[str, Any] | None = _last_repo(session, tag["id"])
    if repo:
        return repo
    for relative in _relatives(session, tag):
        repo = _last_repo(session, relative)
        if repo:
            return repo
    return None


def _last_repo(session: HubSession, tag_id: Any) -> dict[str, Any] | None:
    repo: Any = session.getRepo(tag_id)
    return {**repo, "tag_id": tag_id} if repo else None


def _relatives(session: HubSession, tag: Mapping[str, Any]) -> Iterator[Any]:
    hints = tag["extra"].get(HINT_KEY, [])
    for hint in hints if isinstance(hints, list) else [hints]:
        found: Any = session.getTag(hint, strict=False)
        if found:
            yield found["id"]
        else:
            logger.warning("%s of tag %s names no tag: %s", HINT_KEY, tag["name"], hint)
    parents: Any = session.getFullInheritance(tag["id"])
    for link in sorted(parents, key=lambda link: int(link["currdepth"])):
        yield link["parent_id"]
