"""The commands of a createrepo task, run again without a task around them: what the task itself costs.

Their command lines are the first lines of the task's logs. The results go to a directory that lives as long as the
measurement.
"""

import shlex
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LOGS = ("createrepo.log", "mergerepos.log")
PREMERGE = "_premerge/"


def bare_seconds(task_output: Path) -> float:
    """Seconds that this machine's own createrepo_c and mergerepo_c take for what the task did."""
    seconds = 0.0
    with tempfile.TemporaryDirectory(prefix="createrepo-") as scratch:
        local = f"file://{scratch}/{LOGS[0]}/"
        for name in LOGS:
            log = task_output / name
            if log.exists():
                began = time.monotonic()
                subprocess.run(
                    redirected(log, Path(scratch) / name, local),
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                seconds += time.monotonic() - began
    return seconds


def redirected(log: Path, output: Path, local: str) -> Sequence[str]:
    """The command that a log begins with, writing to `output`; `local` is the repo that the task merged first."""
    with log.open() as lines:
        words = shlex.split(lines.readline().removeprefix("$ "))
    output.mkdir()
    # The repo of a tag without packages is made of the output directory itself.
    elsewhere = {words[words.index("-o") + 1]: str(output)}
    elsewhere |= {word: local for word in words if word.startswith("file://") and word.endswith(PREMERGE)}
    return [elsewhere.get(word, word) for word in words]
