"""What the containers of a task may take of this host: the configuration's limits, which a tag may lower.

    {"memory": "8G", "buildArch": {"cpus": 2, "build_disk": "20G"}}

is what a tag may carry in its extra data (a dict or its JSON text): limits for all kinds of tasks, and under the
name of a kind those of this kind, which go first. A tag never gets more than the configuration allows. Without
either nothing is limited but the number of processes. Pure; limits that cannot be understood are a BuildrootFailed
that quotes them.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.config.values import LIMITS, limit
from koji_adjutant.container.interface import ResourceLimits
from koji_adjutant.errors import BuildrootFailed

LIMITS_KEY = "adjutant.limits"
KINDS = ("buildArch", "rebuildSRPM", "createrepo")
"""The methods whose tasks have containers."""
SIZES = frozenset({"memory", "build_disk"})
DEFAULT_PIDS = ResourceLimits().pids
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, kw_only=True)
class TaskLimits:
    """The limits of one task; None is no limit. `origins` says who set each: what there is to raise."""

    memory: int | None = None
    cpus: float | None = None
    pids: int | None = DEFAULT_PIDS
    build_disk: int | None = None
    """Bytes that may come into a build's root once it is complete, or with one installation."""
    build_inodes: int | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def watches_disk(self) -> bool:
        """Whether a build's root is limited."""
        return self.build_disk is not None or self.build_inodes is not None

    @property
    def ncpus(self) -> int | None:
        """How many jobs a build should run at a time; None where nothing limits it."""
        return None if self.cpus is None else math.ceil(self.cpus)

    def text(self, name: str) -> str:
        """One limit, as people write it."""
        value = getattr(self, name)
        if value is None:
            return "none"
        return size_text(value) if name in SIZES else f"{value:g}" if name == "cpus" else str(value)

    def hint(self, name: str) -> str:
        """What to raise."""
        return f"raise {name} in {self.origins.get(name, 'limits of the builder')}"

    def rows(self) -> tuple[tuple[str, str], ...]:
        """What mock_config.log says of them."""
        return tuple(
            (
                f"limit {name}",
                f"{self.text(name)} ({self.origins[name]})" if name in self.origins else self.text(name),
            )
            for name in LIMITS
        )


def task_limits(
    config: Config, *, method: str, tag_name: str = "", tag_extra: Mapping[str, Any] | None = None
) -> TaskLimits:
    """The limits for a task of `method` with packages of this tag; BuildrootFailed when the tag's are malformed."""
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    own = f"limits_{method.lower()}"
    for option, values in (("limits", config.limits), (own, getattr(config, own, {}))):
        for name, value in values.items():
            found[name] = value
            origins[name] = f"{option} of the builder"
    for name, value in _of_tag((tag_extra or {}).get(LIMITS_KEY), tag_name, method).items():
        allowed = found.get(name, DEFAULT_PIDS if name == "pids" and name not in found else None)
        if value is not None and (allowed is None or value < allowed):
            found[name] = value
            origins[name] = f"{LIMITS_KEY} of tag {tag_name}"
    for name in LIMITS.keys() - {"cpus"}:
        if found.get(name) is not None:
            found[name] = int(found[name])
    return TaskLimits(**found, origins=origins)


def _of_tag(given: object, tag_name: str, method: str) -> dict[str, float | None]:
    if given is None:
        return {}
    content = _decoded(given, tag_name)
    of_kind = {kind: content.pop(kind) for kind in KINDS if kind in content}
    for kind, values in of_kind.items():
        if not isinstance(values, Mapping):
            raise _malformed(tag_name, given, f"{kind} is not a JSON object")
    found = {}
    # All of it is looked at, so that a mistake is not found by the tasks of one kind alone.
    for kind, values in (("", content), *of_kind.items()):
        for name, value in values.items():
            try:
                number = limit(str(name), str(value))
            except ValueError as error:
                raise _malformed(tag_name, given, str(error)) from error
            if kind in {"", method}:
                found[str(name)] = number
    return found


def _decoded(given: object, tag_name: str) -> dict[str, Any]:
    try:
        content = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise _malformed(tag_name, given, f"it is not JSON ({error})") from error
    if not isinstance(content, Mapping):
        raise _malformed(tag_name, given, "it is not a JSON object")
    return dict(content)


def _malformed(tag_name: str, given: object, problem: str) -> BuildrootFailed:
    quoted = given if isinstance(given, str) else json.dumps(given, default=repr)
    return BuildrootFailed(
        f"{LIMITS_KEY} of tag {tag_name} cannot be used: {problem}: {quoted}",
        hint=f"correct it with koji edit-tag {tag_name} -x {LIMITS_KEY}=...",
    )


def size_text(size: float) -> str:
    """A number of bytes for people."""
    number, unit = float(size), 0
    while number >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004
        number, unit = number / 1024, unit + 1
    return f"{number:.4g} {_UNITS[unit]}"
