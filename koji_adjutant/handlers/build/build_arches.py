"""Which architectures a package is built for, and on which kind of host each is built. Pure.

A build tag's list and the package's own words (BuildArch, ExclusiveArch, ExcludeArch) decide together.
`noarch` is an architecture of packages and of tasks, never of hosts: where a package names architectures, its
noarch task is narrowed to one of those.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import koji
from koji.util import multi_fnmatch

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.source_header import SourceHeader

NOARCH = "noarch"
Choose = Callable[[Sequence[str]], str]


def build_arches(
    config: Mapping[str, Any], header: SourceHeader, *, extra: str = "", override: str = ""
) -> tuple[str, ...]:
    """The architectures to build for, each once; the first one's SRPM is the build's.

    `extra` is the package's list in the destination tag; `override` what a scratch build asked for.
    """
    if not config["arches"]:
        raise BuildFailed(f"No arches for tag {config['name']} [{config['id']}]")
    wanted = override.split() if override else _by_package(f"{config['arches']} {extra}".split(), header)
    for arch in wanted:
        names.file_name(arch, "architecture", BuildFailed)
    known = set(_canonical(config["arches"].split()))
    found = dict.fromkeys(arch for arch in wanted if arch == NOARCH or koji.canonArch(arch) in known)
    if not found:
        has = " ".join(f"{config['arches']} {extra}".split())
        raise BuildFailed(
            f"No matching arches were found: {_asked(header, override)}, tag {config['name']} has {has}"
        )
    return tuple(found)


def _asked(header: SourceHeader, override: str) -> str:
    """What a build asks for."""
    if override:
        return f"the build of {header.nvr} asks for {override}"
    words = (
        ("BuildArch", header.buildarchs),
        ("ExclusiveArch", header.exclusivearch),
        ("ExcludeArch", header.excludearch),
    )
    said = "; ".join(f"{word}: {' '.join(arches)}" for word, arches in words if arches)
    return f"{header.nvr} asks for {said or 'no arch in particular'}"


def _by_package(arches: list[str], header: SourceHeader) -> list[str]:
    if header.buildarchs:
        arches = list(header.buildarchs)
    if header.exclusivearch:
        arches = [arch for arch in arches if arch in header.exclusivearch]
    arches = [arch for arch in arches if arch not in header.excludearch]
    named = {*header.buildarchs, *header.exclusivearch} - set(header.excludearch)
    return [*arches, NOARCH] if NOARCH in named else arches


def task_arch(
    arch: str,
    config: Callable[[], Mapping[str, Any]],
    *,
    header: SourceHeader | None = None,
    literal: str = "",
    choose: Choose = random.choice,
) -> str:
    """The architecture of the task that builds for `arch`.

    `config` gives the build tag's configuration and is asked for noarch only; `literal` are the patterns of
    `literal_task_arches`; without a header the package's own words are not known yet.
    """
    if multi_fnmatch(arch, literal.split()):
        return arch
    if arch != NOARCH:
        return koji.canonArch(arch)
    exclusive = _canonical(header.exclusivearch if header else ())
    exclude = _canonical(header.excludearch if header else ())
    return _noarch_task(config(), exclusive, exclude, choose)


def _noarch_task(
    config: Mapping[str, Any], exclusive: Sequence[str], exclude: Sequence[str], choose: Choose
) -> str:
    narrowed: str | None = (config.get("extra") or {}).get("noarch_arches")
    if not (exclusive or exclude or narrowed):
        return NOARCH
    of_tag = _canonical(config["arches"].split())
    allowed = [arch for arch in _canonical(narrowed.split()) if arch in of_tag] if narrowed else list(of_tag)
    if exclusive:
        allowed = [arch for arch in allowed if arch in exclusive]
    allowed = [arch for arch in allowed if arch not in exclude]
    if not allowed:
        raise BuildFailed(
            f"No valid arches were found: tag {list(of_tag)}, extra {narrowed!r}, "
            f"exclusive {list(exclusive)}, exclude {list(exclude)}"
        )
    return NOARCH if set(allowed) == set(of_tag) else choose(allowed)


def _canonical(arches: Sequence[str]) -> tuple[str, ...]:
    return tuple(koji.canonArch(arch) for arch in arches)
