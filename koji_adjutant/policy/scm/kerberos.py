"""Kerberos credentials of this host for a checkout: the cache, and the configuration that says whom to ask. Pure but
for the files that it reads.

The cache is that of the daemon's user, which git would use on this host; it is not the one with which the daemon logs
in at the hub. Caches in the kernel's keyrings or in a daemon cannot be given: they are no files.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config.values import AUTO
from koji_adjutant.policy.scm.host_files import Found, State, read

OPTION = "scm_ccache"
CONFIGURATION = Path("/etc/krb5.conf")
CCACHE, KRB5_CONF = "krb5.ccache", "krb5.conf"
_INCLUDE = re.compile(rb"^[ \t]*(include|includedir)[ \t]+(\S+)[ \t]*$", re.MULTILINE)
_READ_NAMES = re.compile(r"[A-Za-z0-9_-]+|[^.].*\.conf")
"""Of files in a directory that a configuration includes, as the library reads them."""


@dataclass(frozen=True, kw_only=True)
class Kerberos:
    """Files of a directory of the container, and the variables that name them there."""

    files: dict[str, bytes]
    environment: dict[str, str]
    found: tuple[Found, ...]


def kerberos(
    ccache: str | Path | None,
    environ: Mapping[str, str],
    target: str,
    configuration: Path = CONFIGURATION,
) -> Kerberos:
    """The credentials of `ccache`, for directory `target`; without a cache nothing at all."""
    if ccache is None:
        return Kerberos(files={}, environment={}, found=())
    named = environ.get("KRB5CCNAME", "") if ccache == AUTO else str(ccache)
    kind, _, rest = named.rpartition(":")
    if kind not in {"", "FILE"}:
        note = "it is no file, and is not given"
        found = Found(option=OPTION, path=Path(named), state=State.UNFIT, note=note)
        return Kerberos(files={}, environment={}, found=(found,))
    cache = read(OPTION, Path(rest or f"/tmp/krb5cc_{os.geteuid()}"))  # noqa: S108 - where the library looks
    if not cache.given:
        return Kerberos(files={}, environment={}, found=(cache.found,))
    files = {CCACHE: cache.content}
    environment = {"KRB5CCNAME": f"FILE:{target}/{CCACHE}"}
    if text := b"".join(_whole(configuration)):
        files[KRB5_CONF] = text
        environment["KRB5_CONFIG"] = f"{target}/{KRB5_CONF}"
    return Kerberos(files=files, environment=environment, found=(cache.found,))


def _whole(path: Path, depth: int = 0) -> Iterator[bytes]:
    """A configuration with what it includes in its place: a path of this host means nothing in a container."""
    content = read(OPTION, path).content
    place = 0
    for match in _INCLUDE.finditer(content):
        yield content[place : match.start()]
        place = match.end()
        if depth == 0:
            for included in _included(match[1], Path(os.fsdecode(match[2]))):
                yield from _whole(included, depth + 1)
                yield b"\n"
    yield content[place:]


def _included(word: bytes, path: Path) -> Iterator[Path]:
    if word == b"include":
        yield path
        return
    try:
        inside = sorted(path.iterdir())
    except OSError:
        return
    yield from (file for file in inside if _READ_NAMES.fullmatch(file.name))
