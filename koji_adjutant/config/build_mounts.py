"""Mounts of build containers, and groups of this host that builds are in for their sake: for sockets of services.

A word is source:target[:option,...], as elsewhere, and may have an option more: gid=GROUP puts the build user into that
group of this host, by name or number. Names are those of the daemon's host. Pure, but for looking them up.
"""

import grp
from collections.abc import Iterable
from dataclasses import dataclass

from koji_adjutant.config.values import mount
from koji_adjutant.container.interface import IdMap, VolumeMount
from koji_adjutant.errors import Problem

GROUP = "gid="
ROOT = 0


@dataclass(frozen=True, kw_only=True)
class BuildMount(VolumeMount):
    """A mount of builds."""

    host_group: int | None = None
    """A group of the host that the build user is in besides its own."""

    def __str__(self) -> str:
        mode = "read-only" if self.read_only else "writable"
        group = "" if self.host_group is None else f", in group {self.host_group} of the host"
        return f"{self.source} ({mode}{group})"


def read_build_mounts(value: str) -> tuple[BuildMount, ...]:
    """Words of that form."""
    return tuple(_mount(word) for word in value.split())


def host_groups(mounts: Iterable[BuildMount]) -> tuple[int, ...]:
    """The groups of the host that the build user is in."""
    return tuple(sorted({one.host_group for one in mounts if one.host_group is not None}))


def mismatch(mounts: Iterable[BuildMount], user_namespace: str | IdMap) -> Problem | None:
    """Why such mounts cannot be with that user namespace."""
    if user_namespace in {"auto", "no"} or not host_groups(mounts):
        return None
    # Engines map an image's files for ids in one piece only, and copy them, or fail, for one id more.
    return Problem(
        "build_mounts has gid=, and user_namespace has no groups of the host", "set it to auto or no"
    )


def _mount(word: str) -> BuildMount:
    paths, colon, options = word.rpartition(":")
    if options.startswith("/"):
        paths, colon, options = word, "", ""
    chosen = options.split(",")
    plain = mount(paths + colon + ",".join(one for one in chosen if not one.startswith(GROUP)))
    return BuildMount(
        source=plain.source,
        target=plain.target,
        read_only=plain.read_only,
        options=plain.options,
        host_group=_group([one.removeprefix(GROUP) for one in chosen if one.startswith(GROUP)]),
    )


def _group(names: list[str]) -> int | None:
    if not names:
        return None
    name, *more = names
    if more:
        raise ValueError(f"expected {GROUP} once for a mount")
    try:
        number = int(name) if name.isascii() and name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"{GROUP}{name}: this host has no group of that name") from None
    if number == ROOT:
        raise ValueError(f"{GROUP}{name}: a build is never in the group of root")
    return number
