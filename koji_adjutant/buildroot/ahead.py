"""BuildRequires that are looked for before they are asked for.

The source package that a root makes mostly asks for what the uploaded one asked for. So that is solved and fetched
beside the first commands of a build, and is there when the build script asks. Nothing depends on it: whoever asks
waits for the end and then asks as if there had been nothing. It reads the root of the build container, which must
neither change nor go before `finish`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.solver import Solver
from koji_adjutant.container.interface import LogSink, Stream
from koji_adjutant.errors import AdjutantError

KEPT = 1 << 20
RPMLIB = "rpmlib("

logger = logging.getLogger(__name__)


class _Kept:
    """What the solver says, for whoever it turns out to be for."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Stream, bytes]] = []
        self._size = 0

    def write(self, stream: Stream, data: bytes) -> None:
        self._size += len(data)
        if self._size <= KEPT:
            self.pieces.append((stream, data))


class SolvedAhead:
    """One look ahead; `ended` waits for its run in another thread."""

    def __init__(self, requires: Sequence[str]) -> None:
        self._requires = tuple(requires)
        self._output = _Kept()
        self.ended: Callable[[], None] | None = None

    def run(self, solver: Solver, *, base_key: str, root: Callable[[], str]) -> None:
        """Solve and fetch; what goes wrong is said again when it matters."""
        try:
            solution = replace(solver, log=self._output).requires(
                self._requires, base_key=base_key, root=root
            )
            solver.fetch(solution)
        except AdjutantError as error:
            logger.info("task %s: BuildRequires are not known ahead: %s", solver.owner.task_id, error)

    def finish(self, requires: Sequence[str], log: LogSink) -> None:
        """Wait for the end; what was said of these `requires` goes to `log`."""
        if self.ended is not None:
            self.ended()
        if tuple(requires) == self._requires:
            for stream, data in self._output.pieces:
                log.write(stream, data)


def is_worth_it(requires: Sequence[str], installed: Sequence[InstalledPackage]) -> bool:
    """Whether it looks as if something has to be installed: by the names of packages alone."""
    names = {package.name for package in installed}
    asked = (requirement.split()[0] for requirement in requires if not requirement.startswith(RPMLIB))
    return any(name not in names for name in asked)
