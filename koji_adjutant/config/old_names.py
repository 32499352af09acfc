"""Options under the names that they had in an earlier version: still read, and said under their new names. Pure.

An old option adds to what the new one says, whatever file or variable either stands in; where both say something of
the same, the new one goes first.
"""

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType

from koji_adjutant.config import values
from koji_adjutant.policy.methods import IN_CONTAINERS

_NAMES = ("limits_buildarch", "limits_rebuildsrpm", "limits_createrepo")
LIMITS: Mapping[str, str] = MappingProxyType(
    {name: method for name in _NAMES for method in IN_CONTAINERS if name == f"limits_{method.lower()}"}
)
"""Limits of one method, as they were before `limits` had keys with the name of a method."""


def limits(option: str, value: str) -> Mapping[str, float | None]:
    """What an old option says, by the keys of `limits`. ValueError says what a good value looks like."""
    return values.limits(" ".join(f"{key}={content}" for key, content in _renamed(option, value)))


def notice(option: str, value: str, said: Container[str]) -> str:
    """What to write instead, where `limits` has the keys `said` already."""
    words = " ".join(f"{key}={content}" for key, content in _renamed(option, value) if key not in said)
    return f"is an old name; write {words} into limits" if words else "is an old name; leave it out"


def _renamed(option: str, value: str) -> Iterator[tuple[str, str]]:
    for name, content in values.pairs(value).items():
        yield f"{LIMITS[option]}.{name}", content
