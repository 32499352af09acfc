"""The packages in a root: as rpm inside it lists them, and as the hub wants them in a list (kojid-facts 4.5).

They are listed by PID 1 of a build container before anything else, which costs no command of its own (0.1 s) while
nothing of a package has run yet, or asked for later, by a command of root's, which no file of the build user can
answer.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import koji

from koji_adjutant.buildroot import settings
from koji_adjutant.container.interface import Containers, Stream
from koji_adjutant.container.programs import KILLED
from koji_adjutant.errors import BuildrootFailed, Problem, TaskInterrupted

FIELDS = ("NAME", "VERSION", "RELEASE", "EPOCH", "ARCH", "LONGSIZE", "BUILDTIME", "SIGMD5")
QUERY_FORMAT = "\\t".join(f"%{{{field}}}" for field in FIELDS) + "\\n"
"""For `rpm -qa --qf`."""
DIGESTS = ("SHA3_256HEADER", "SHA256HEADER", "SHA1HEADER")
"""Of a header without SIGMD5 (rpm 6 writes none), the best first."""
NEVRA_FIELDS = FIELDS[:5]
NOT_REPORTED = frozenset({"gpg-pubkey", "buildsys-build"})
NONE = "(none)"
LISTING_LIMIT = 64 << 20
LISTED = b"listed "
"""How the line begins with which PID 1 (idle.sh) ends its list; rpm's exit code follows."""
ENVIRONMENT = {"PATH": settings.ENVIRONMENT["PATH"], "HOME": "/", "LANG": "C.UTF-8"}


@dataclass(frozen=True, kw_only=True, order=True)
class InstalledPackage:
    """A package in a root; `payloadhash` is the sigmd5 of its header, in hexadecimal, or what Koji takes for it.

    It is empty as long as only `with_digests` can tell. `others` is what a hub takes for it whose rpm is older than
    the root's.
    """

    name: str
    version: str
    release: str
    epoch: int | None
    arch: str
    size: int
    buildtime: int
    payloadhash: str
    others: tuple[str, ...] = ()

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
    best, *others = (
        str(library.make_rpm_ident({name: digests[name]}))
        for name in map(str.lower, DIGESTS)
        if name in digests
    )
    return dataclasses.replace(package, payloadhash=best, others=tuple(others))


# In a container


class _Listing:
    """Output that is data, up to a limit."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.said = bytearray()

    def write(self, stream: Stream, data: bytes) -> None:
        kept = self.data if stream == "stdout" else self.said
        kept += data
        if len(kept) > LISTING_LIMIT:
            raise BuildrootFailed(f"Can't get list of installed rpms: it is over {LISTING_LIMIT} bytes")

    def is_complete(self) -> bool:
        """Whether PID 1 has said its last word."""
        return self.data.endswith(b"\n") and self.data[self._last_line() :].startswith(LISTED)

    def split(self) -> tuple[bytes, str]:
        """The list, and rpm's exit code as PID 1 said it."""
        if not self.is_complete():
            return bytes(self.data), "none"
        end = self._last_line()
        return bytes(self.data[:end]), self.data[end + len(LISTED) :].decode(errors="replace").strip()

    def packages(self, listing: bytes, status: str) -> tuple[InstalledPackage, ...]:
        """What was listed; BuildrootFailed unless `status` is rpm's success."""
        if status != "0":
            said = " ".join(self.said[-400:].decode(errors="replace").split())
            raise BuildrootFailed(f"Can't get list of installed rpms: rpm ended with {status}: {said}")
        return parse_installed(listing.decode(errors="surrogateescape"))

    def _last_line(self) -> int:
        return self.data.rfind(b"\n", 0, -1) + 1


def start_and_list(containers: Containers, container: str) -> tuple[InstalledPackage, ...]:
    """Start a build container; what its PID 1 lists. BuildrootFailed when that is no list, and nobody broke it off."""
    listing = _Listing()
    containers.start_attached(container, listing, listing.is_complete)
    if not listing.is_complete() and (reason := _broken_off(containers, container)):
        raise TaskInterrupted(
            f"build container {container[:12]} {reason} while its packages were listed",
            hint="see in the journal of this host who ended it, or its monitor (conmon)",
        )
    return _with_digests(containers, container, listing.packages(*listing.split()))


def _broken_off(containers: Containers, container: str) -> Problem | None:
    """What somebody did to a PID 1 that has not said its last word; None when PID 1 ended by itself."""
    found = containers.inspect(container)
    if found is None:
        return Problem("was removed")
    if found.state == "running":
        return Problem("was cut off")
    return Problem("was killed") if found.exit_code in (KILLED, -1) else None


def list_again(containers: Containers, container: str) -> tuple[InstalledPackage, ...]:
    """What rpm in a running build container lists."""
    listing = _Listing()
    status = _query(containers, container, QUERY_FORMAT, listing)
    return _with_digests(containers, container, listing.packages(bytes(listing.data), str(status)))


def _query(containers: Containers, container: str, query_format: str, listing: _Listing) -> int:
    argv = ("rpm", "-qa", "--qf", query_format)
    return containers.exec(container, argv, listing, environment=ENVIRONMENT, user="0:0")


def _with_digests(
    containers: Containers, container: str, packages: tuple[InstalledPackage, ...]
) -> tuple[InstalledPackage, ...]:
    """Packages that rpm 6 has made have no sigmd5; what Koji takes instead costs a question more."""
    if all(package.payloadhash for package in packages):
        return packages
    listing = _Listing()
    _query(containers, container, digest_format(newest=True), listing)
    # To rpm a tag that it does not know is no failure.
    newest = bool(listing.data)
    if not newest:
        listing = _Listing()
        status = _query(containers, container, digest_format(newest=False), listing)
        listing.packages(b"", str(status))
    return with_digests(packages, listing.data.decode(errors="surrogateescape"), newest=newest)


def other_packages(packages: Sequence[InstalledPackage], expected: frozenset[str]) -> Problem | None:
    """How the packages that rpm lists differ from the `expected` NEVRAs, in a few names; None when they do not."""
    listed = {package.nevra for package in packages}
    if len(listed) == len(packages) and listed == expected:
        return None
    missing, surplus = sorted(expected - listed), sorted(listed - expected)
    named = [f"without {name}" for name in missing[:3]] + [f"with {name}" for name in surplus[:3]]
    count = len(missing) + len(surplus)
    names = ", ".join(named) or "some twice"
    return Problem(f"rpm lists other packages ({len(packages)}, {count} differ: {names})")
