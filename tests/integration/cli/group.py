"""Users beside the daemon's: a member of the group that may look, and one who is in no group."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from koji_adjutant.journal.public import DIRECTORY_MODE, FILE_MODE, PUBLIC
from koji_adjutant.journal.state import JOURNAL
from tests.fakes.journals import Sample

GROUP = 54321
"""Of nobody on this machine."""
NOBODY = 65534


def as_member(group: int) -> tuple[str, ...]:
    """The beginning of a command that runs as a user who is in `group`, too."""
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={group}", "--inh-caps=-all")


def outside() -> tuple[str, ...]:
    """The same for a user who is not."""
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all")


@contextmanager
def given_to_group(sample: Sample) -> Iterator[Sample]:
    """A copy of a state directory with the modes that the daemon gives it, below directories that all may pass."""
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-test-") as above:
        Path(above).chmod(0o755)
        copy = Path(shutil.copytree(sample.state_dir, Path(above) / "state"))
        for path in copy.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        for path in (copy / JOURNAL, copy / PUBLIC, *(copy / PUBLIC).rglob("*")):
            os.chown(path, 0, GROUP)
            path.chmod(DIRECTORY_MODE if path.is_dir() else FILE_MODE)
        os.chown(copy, 0, GROUP)
        copy.chmod(0o710)
        yield replace(sample, state_dir=copy)
