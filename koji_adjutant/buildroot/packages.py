"""Packages: as rpm inside a root lists them, and as the hub wants them in a buildroot's list (kojid-facts 4.5)."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import koji

from koji_adjutant.errors import BuildrootFailed

FIELDS = ("NAME", "VERSION", "RELEASE", "EPOCH", "ARCH", "LONGSIZE", "BUILDTIME", "SIGMD5")
QUERY_FORMAT = "\\t".join(f"%{{{field}}}" for field in FIELDS) + "\\n"
"""For `rpm -qa --qf`."""
DIGESTS = ("SHA3_256HEADER", "SHA256HEADER", "SHA1HEADER")
"""Of a header without SIGMD5 (rpm 6 writes none), the best first."""
NEVRA_FIELDS = FIELDS[:5]
NOT_REPORTED = frozenset({"gpg-pubkey", "buildsys-build"})
NONE = "(none)"


@dataclass(frozen=True, kw_only=True, order=True)
class InstalledPackage:
    """A package in a root; `payloadhash` is the sigmd5 of its header, in hexadecimal, or what Koji takes for it.

    It is empty as long as only `with_digests` can tell.
    """

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
        if sigmd5 != NONE and not re.fullmatch(r"[0-9a-f]{32}", sigmd5):
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
                payloadhash="" if sigmd5 == NONE else sigmd5,
            )
        )
    return tuple(sorted(found, key=lambda package: (package.nevra, package.payloadhash)))


def digest_format(*, newest: bool) -> str:
    """For `rpm -qa --qf`: the digests of headers. An rpm older than 6 refuses a format with the newest of them."""
    tags = (*NEVRA_FIELDS, *(tag for tag in DIGESTS if newest or tag != DIGESTS[0]))
    return "\\t".join(f"%{{{tag}}}" for tag in tags) + "\\n"


def with_digests(
    packages: Iterable[InstalledPackage], listing: str, *, newest: bool
) -> tuple[InstalledPackage, ...]:
    """The packages, those without a digest with what a listing by `digest_format` says of them."""
    names = [tag.lower() for tag in DIGESTS if newest or tag != DIGESTS[0]]
    known: dict[tuple[str, ...], Mapping[str, str]] = {}
    for line in listing.splitlines():
        *nevra_fields, _ = fields = line.split("\t")
        key, values = tuple(nevra_fields[: len(NEVRA_FIELDS)]), fields[len(NEVRA_FIELDS) :]
        known[key] = {name: value for name, value in zip(names, values, strict=False) if value != NONE}
    return tuple(package if package.payloadhash else _identified(package, known) for package in packages)


def _identified(
    package: InstalledPackage, known: Mapping[tuple[str, ...], Mapping[str, str]]
) -> InstalledPackage:
    epoch = NONE if package.epoch is None else str(package.epoch)
    digests = known.get((package.name, package.version, package.release, epoch, package.arch))
    if not digests:
        raise BuildrootFailed(f"package {package.nvra} has no header digest that Koji knows")
    library: Any = koji
    return dataclasses.replace(package, payloadhash=str(library.make_rpm_ident(digests)))
