"""What rpm inside a root lists: said by PID 1 of a build container before anything else, or asked for later.

The first costs no command of its own (0.1 s), and nothing of a package has run yet. Later the question is put by a
command of root's, which no file of the build user can answer.
"""

from collections.abc import Sequence

from koji_adjutant.buildroot.packages import (
    QUERY_FORMAT,
    InstalledPackage,
    digest_format,
    parse_installed,
    with_digests,
)
from koji_adjutant.container.interface import ContainerManager, Stream
from koji_adjutant.errors import BuildrootFailed, TaskInterrupted

LISTING_LIMIT = 64 << 20
LISTED = b"listed "
"""How the line begins with which PID 1 (idle.sh) ends its list; rpm's exit code follows."""
KILLED = 137
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LANG": "C.UTF-8"}


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


def start_and_list(manager: ContainerManager, container: str) -> tuple[InstalledPackage, ...]:
    """Start a build container; what its PID 1 lists. BuildrootFailed when that is no list, and nobody broke it off."""
    listing = _Listing()
    manager.start_attached(container, listing, listing.is_complete)
    if not listing.is_complete() and (reason := _broken_off(manager, container)):
        raise TaskInterrupted(
            f"build container {container[:12]} {reason} while its packages were listed",
            hint="see in the journal of this host who ended it, or its monitor (conmon)",
        )
    return _with_digests(manager, container, listing.packages(*listing.split()))


def _broken_off(manager: ContainerManager, container: str) -> str:
    """What somebody did to a PID 1 that has not said its last word; empty when it ended by itself."""
    found = manager.inspect(container)
    if found is None:
        return "was removed"
    if found.state == "running":
        return "was cut off"
    return "was killed" if found.exit_code in (KILLED, -1) else ""


def list_again(manager: ContainerManager, container: str) -> tuple[InstalledPackage, ...]:
    """What rpm in a running build container lists."""
    listing = _Listing()
    status = _query(manager, container, QUERY_FORMAT, listing)
    return _with_digests(manager, container, listing.packages(bytes(listing.data), str(status)))


def _query(manager: ContainerManager, container: str, query_format: str, listing: _Listing) -> int:
    argv = ("rpm", "-qa", "--qf", query_format)
    return manager.exec(container, argv, listing, environment=ENVIRONMENT, user="0:0")


def _with_digests(
    manager: ContainerManager, container: str, packages: tuple[InstalledPackage, ...]
) -> tuple[InstalledPackage, ...]:
    """Packages that rpm 6 has made have no sigmd5; what Koji takes instead costs a question more."""
    if all(package.payloadhash for package in packages):
        return packages
    listing = _Listing()
    _query(manager, container, digest_format(newest=True), listing)
    # To rpm a tag that it does not know is no failure.
    newest = bool(listing.data)
    if not newest:
        listing = _Listing()
        status = _query(manager, container, digest_format(newest=False), listing)
        listing.packages(b"", str(status))
    return with_digests(packages, listing.data.decode(errors="surrogateescape"), newest=newest)


def other_packages(packages: Sequence[InstalledPackage], expected: frozenset[str]) -> str:
    """How what rpm lists differs from what was solved, in a few names; empty when it does not."""
    listed = {package.nevra for package in packages}
    if len(listed) == len(packages) and listed == expected:
        return ""
    missing, surplus = sorted(expected - listed), sorted(listed - expected)
    named = [f"without {name}" for name in missing[:3]] + [f"with {name}" for name in surplus[:3]]
    count = len(missing) + len(surplus)
    return f"rpm lists other packages ({len(packages)}, {count} differ: {', '.join(named) or 'some twice'})"
