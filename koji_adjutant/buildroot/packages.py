"""Packages: as rpm inside a root lists them, and as the hub wants them in a buildroot's list (kojid-facts 4.5)."""

import re
from dataclasses import dataclass
from typing import Any

from koji_adjutant.errors import BuildrootFailed

FIELDS = ("NAME", "VERSION", "RELEASE", "EPOCH", "ARCH", "LONGSIZE", "BUILDTIME", "SIGMD5")
QUERY_FORMAT = "\\t".join(f"%{{{field}}}" for field in FIELDS) + "\\n"
"""For `rpm -qa --qf`."""
NOT_REPORTED = frozenset({"gpg-pubkey", "buildsys-build"})
NONE = "(none)"


@dataclass(frozen=True, kw_only=True, order=True)
class InstalledPackage:
    """A package in a root; `payloadhash` is the sigmd5 of its header, in hexadecimal."""

    name: str
    version: str
    release: str
    epoch: int | None
    arch: str
    size: int
    buildtime: int
    payloadhash: str

    @property
    def nvra(self) -> str:
        """name-version-release.arch."""
        return f"{self.name}-{self.version}-{self.release}.{self.arch}"

    @property
    def nevra(self) -> str:
        """name-[epoch:]version-release.arch; an epoch of 0 is written like none."""
        return nevra(self.name, self.epoch, self.version, self.release, self.arch)

    def row(self) -> dict[str, Any]:
        """The package as an entry of setBuildRootList, without its origin."""
        return {
            "name": self.name,
            "version": self.version,
            "release": self.release,
            "epoch": self.epoch,
            "arch": self.arch,
            "size": self.size,
            "buildtime": self.buildtime,
            "payloadhash": self.payloadhash,
        }


def nevra(name: str, epoch: int | None, version: str, release: str, arch: str) -> str:
    """name-[epoch:]version-release.arch."""
    return f"{name}-{f'{epoch}:' if epoch else ''}{version}-{release}.{arch}"


def parse_installed(listing: str) -> tuple[InstalledPackage, ...]:
    """The packages of a listing made with QUERY_FORMAT, without those that are never reported, sorted."""
    found = []
    for line in listing.splitlines():
        fields = line.split("\t")
        if len(fields) != len(FIELDS):
            raise BuildrootFailed(f"Can't get list of installed rpms: unexpected line {line!r}; see root.log")
        name, version, release, epoch, arch, size, buildtime, sigmd5 = fields
        if name in NOT_REPORTED:
            continue
        if not re.fullmatch(r"[0-9a-f]{32}", sigmd5):
            raise BuildrootFailed(
                f"package {name}-{version}-{release}.{arch} has no header digest (sigmd5 {sigmd5})"
            )
        found.append(
            InstalledPackage(
                name=name,
                version=version,
                release=release,
                epoch=None if epoch == NONE else int(epoch),
                arch=arch,
                size=int(size),
                buildtime=int(buildtime),
                payloadhash=sigmd5,
            )
        )
    return tuple(sorted(found, key=lambda package: (package.nevra, package.payloadhash)))
