"""BuildRequires that are seen to before they are asked for.

The source package that a root makes mostly asks for what the uploaded one asked for. So that is solved beside the
first commands of a build, and fetched, or, where an image has it, a container of that image is started. Nothing
depends on it: whoever asks waits for the end, and asks then as if there had been nothing. It reads the root of the
build container, which must neither change nor go before the end.
"""

from collections.abc import Sequence

from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.container.interface import LogSink, Stream

KEPT = 1 << 20
RPMLIB = "rpmlib("


class KeptOutput:
    """What the solver says, for whoever it turns out to be for."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Stream, bytes]] = []
        self._size = 0

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep one piece of output, up to a limit."""
        self._size += len(data)
        if self._size <= KEPT:
            self._pieces.append((stream, data))

    def pass_on(self, log: LogSink) -> None:
        """Write all that was kept to `log`."""
        for stream, data in self._pieces:
            log.write(stream, data)


def is_worth_it(requires: Sequence[str], installed: Sequence[InstalledPackage]) -> bool:
    """Whether it looks as if something has to be installed: by the names of packages alone."""
    names = {package.name for package in installed}
    asked = (requirement.split()[0] for requirement in requires if not requirement.startswith(RPMLIB))
    return any(name not in names for name in asked)
