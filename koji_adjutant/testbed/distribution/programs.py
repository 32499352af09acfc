"""Running the programs that the distribution is made with.

A program runs to its end with its output kept; one that fails raises ProgramFailed, which says what was run
and what it said last. Nothing outlives the call.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from koji_adjutant.errors import AdjutantError

# Every file and package carries this time, so that the same input gives the same bytes.
EPOCH = 1_700_000_000


class ProgramFailed(AdjutantError):
    """A program that the distribution needs is missing or ended with an error."""


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    text: str = "",
) -> str:
    """Standard output of `argv`, given `text` as its input; `env` is added to our environment."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(EPOCH), **(env or {})},
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise ProgramFailed(f"{command[0]} cannot be run: {error.strerror}", hint="install it") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise ProgramFailed(f"exit code {done.returncode} from {shlex.join(command)}: {said}")
    return done.stdout
