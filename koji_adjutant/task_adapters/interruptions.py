"""Tasks that lose what they work with on this host: they are handed back, and not for ever.

A task whose container somebody has killed, whose disk is full, or whose engine refuses what it grants all others, has
not failed: it is begun anew, here or on another host. One to which that happens again and again, later each time, is
told so in the end: it may be the reason. The count is a file below the state directory; where even that cannot be
written, nothing is counted.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from koji_adjutant.config import Config
from koji_adjutant.disks import interrupted, want_of_space
from koji_adjutant.errors import (
    AdjutantError,
    BuildrootFailed,
    ContentRefused,
    EngineBroken,
    EngineError,
    EngineFailed,
    EngineUnavailable,
    TaskFault,
    TaskInterrupted,
)

MOST = 10
"""Times that a host hands a task back for such a reason before it fails."""
AT_ONCE = 3
"""So many of them without waiting for the host to get better."""
LONGEST_PAUSE = 60.0
BAD_REQUEST = 400
ENGINE = "see the journal of the podman service"

logger = logging.getLogger(__name__)


@contextmanager
def interruptions(config: Config, task: int) -> Iterator[None]:
    """What ends in this context for want of space on this host is a TaskInterrupted, whatever it looked like; so is
    what its engine refused, unless the request itself was wrong.

    BuildrootFailed when the task was interrupted too often.
    """
    try:
        yield
    except (TaskInterrupted, EngineBroken) as error:
        # Of an engine that is broken a host takes no task: one that is taken all the same may be what breaks it.
        raise _counted(config, task, error) from error
    except (TaskFault, OSError) as error:
        if (reason := want_of_space(error)) is None:
            raise
        raise _counted(config, task, interrupted(config, reason)) from error
    except EngineError as error:
        if error.status == BAD_REQUEST or isinstance(error, ContentRefused):
            raise
        raise _counted(config, task, EngineFailed(error.message, hint=error.hint or ENGINE)) from error


def interruptions_directory(config: Config) -> Path:
    """Where tasks are counted: a file each, with a line for each time."""
    return config.state_dir / "interrupted"


def _counted(config: Config, task: int, error: EngineUnavailable) -> AdjutantError:
    count = _count(interruptions_directory(config) / str(task), error.message)
    if count <= MOST:
        if (seconds := pause(count)) > 0:
            logger.warning("task %s was interrupted %d times; it is kept for %g s", task, count, seconds)
            time.sleep(seconds)
        return error
    return BuildrootFailed(
        f"the task was interrupted {count} times on this host, the last time because {error.message}",
        hint=error.hint,
    )


def pause(count: int) -> float:
    """Seconds before a task is handed back that was interrupted so often. Pure."""
    return min(2.0 ** (count - AT_ONCE), LONGEST_PAUSE) if count > AT_ONCE else 0.0


def was_interrupted(config: Config, task: str, reason: str) -> bool:
    """Whether a task was handed back before for a reason that begins so."""
    try:
        lines = (interruptions_directory(config) / task).read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith(reason) for line in lines)


def _count(file: Path, reason: str) -> int:
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with file.open("a+") as lines:
            lines.write(" ".join(reason.split()) + "\n")
            lines.flush()
            lines.seek(0)
            return sum(1 for _ in lines)
    return 1
