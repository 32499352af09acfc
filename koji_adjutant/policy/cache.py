"""What was lately read of tags, for tasks that have no build configuration in hand: one file for all task processes.

A task with a buildroot never looks here: the build configuration that it needs anyway, as of its repo's event, has
the tag's extra data in it. A task that makes a repo asks for the tag as of that repo's event too, and an answer serves
repos of that event and later ones of the same tag for `ttl` seconds. So a build and the tasks that made its repo
disagree, at worst, about a policy that was changed less than `ttl` seconds before that repo.

The file is replaced as a whole, under a lock; readers need none. What cannot be read is as if it were not there, and so
is what an earlier boot has read. `read`, a time of day, is for people.
"""

import fcntl
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from koji_adjutant.host.files import age, replace_json, since_boot, stamp
from koji_adjutant.policy.containers import LIMITS_KEY
from koji_adjutant.policy.image_rules import POLICY_KEY

VERSION = 1
NAME = "tag-policies.json"
KEPT = (POLICY_KEY, LIMITS_KEY)

logger = logging.getLogger("koji.adjutant.policy")


class TagPolicyCache:
    """The extra data of tags, as far as policy reads them. `hub` tells the tags of one hub from another's."""

    def __init__(
        self, directory: Path, *, hub: str, ttl: float, clock: Callable[[], float] = since_boot
    ) -> None:
        self._path = directory / NAME
        self._hub = hub
        self._ttl = ttl
        self._clock = clock

    def find(self, tag_id: int, event: int) -> dict[str, Any] | None:
        """What is known of a tag for a repo of `event`; None when nothing is, or nothing that still holds."""
        entry = self._entries().get(str(tag_id))
        try:
            if entry is None or not self._is_fresh(entry) or not entry["event"] <= event:
                return None
            return dict(entry["extra"])
        except (KeyError, TypeError, ValueError):
            return None

    def keep(self, tag_id: int, event: int, extra: Mapping[str, Any]) -> None:
        """Remember what the hub has said of a tag. What cannot be kept will be asked for again."""
        if self._ttl <= 0:
            return
        entry = {"event": event, "read": time.time(), **stamp(self._clock), "extra": policy_extra(extra)}
        try:
            with self._locked():
                known = {tag: old for tag, old in self._entries().items() if self._is_fresh(old)}
                entries = {**known, str(tag_id): entry}
                replace_json(self._path, {"version": VERSION, "hub": self._hub, "tags": entries})
        except OSError as error:
            logger.warning("%s cannot be written: %s", self._path, error)

    def _is_fresh(self, entry: Any) -> bool:
        seconds = age(entry, self._clock)
        return seconds is not None and seconds < self._ttl

    def _entries(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_bytes())
            if content["version"] == VERSION and content["hub"] == self._hub:
                return dict(content["tags"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def policy_extra(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What policy reads of a tag's extra data where there is no buildroot.

    `mock.bootstrap_image` is not in it: such an image brings what installs packages, and need not have more.
    """
    return {key: extra[key] for key in KEPT if key in extra}
