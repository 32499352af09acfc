"""What the events of a task say of its root and of what it has used: words and figures with one meaning everywhere.

Figures are left out where they could not be measured; none is ever made up.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self


class Root(StrEnum):
    """How the root of a task came to be what it is."""

    HIT = "hit"
    """From the image of its install group."""
    DEPS_HIT = "deps_hit"
    """From an image that has its BuildRequires as well."""
    POPULATED = "populated"
    """Packages were installed for this task."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a container has used, from its start or from the beginning of a phase on, by its control group."""

    memory_bytes: int | None = None
    """The peak, as the kernel charges it: with the cache of files that it has read and written. Of a phase the peak
    until its end, where the kernel does not begin anew."""
    cpu_seconds: float | None = None
    read_bytes: int | None = None
    """From disks, as `written_bytes`: what stays in memory is none."""
    written_bytes: int | None = None
    disk_bytes: int | None = None
    """What the build user has in the home and the temporary directories of its root, at the end."""
    pids: int | None = None
    """The peak of its processes and threads."""

    def details(self) -> dict[str, Any]:
        """As an event has it."""
        return {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
            if value is not None
        }

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Self:
        """Of the details of an event; what is no number is none."""
        known = {one.name: details.get(one.name) for one in fields(cls)}
        return cls(**{name: value for name, value in known.items() if _is_number(value)})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
