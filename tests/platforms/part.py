"""What the table of platforms is made of. A part runs on its platform and says what it saw, or raises PartFailed."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import AdjutantError

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 4
"""A command that takes this many times the budget of its part hangs."""
LAST_LINES = 15


class PartFailed(AdjutantError):
    """A part of a platform did not do what it is there to show."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a part works: a directory that stays after the run, with its log and what it records."""

    directory: Path
    seconds: float
    """How long a command of it may take before it is taken for hung."""

    @property
    def log(self) -> Path:
        """All that its commands said."""
        return self.directory / "output.log"

    def command(self, argv: Sequence[str | Path], *, environment: Mapping[str, str] | None = None) -> str:
        """Run a program in the project's directory; what it said. PartFailed when it fails or hangs."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("a+b") as log:
            began = log.seek(0, 2)
            with subprocess.Popen(
                argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            ) as running:
                status = self._wait(running)
            log.seek(began)
            said = log.read().decode(errors="replace")
        if status:
            last = "\n".join(said.splitlines()[-LAST_LINES:])
            raise PartFailed(f"{argv[0]} ended with {status}: {last}", hint=f"see {self.log}")
        return said

    def _wait(self, running: subprocess.Popen[bytes]) -> int:
        try:
            return running.wait(self.seconds)
        except subprocess.TimeoutExpired:
            raise PartFailed(
                f"{running.args!r} hangs: {self.seconds:.0f} s", hint=f"see {self.log}"
            ) from None
        finally:
            if running.poll() is None:
                running.terminate()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that runs on a platform."""

    name: str
    minutes: float
    """Its budget, on two processors that do nothing else."""
    run: Callable[[Place], str]
    """Runs it; what it saw, in a few words. PartFailed, or another error of the project."""
    is_in_ci: bool = False


Versions = Callable[[Place], Mapping[str, str]]
"""What is on a platform: programs, and their versions."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """A kind of host."""

    letter: str
    host: str
    how: str
    """How it is had on this machine."""
    versions: Versions
    parts: tuple[Part, ...]
