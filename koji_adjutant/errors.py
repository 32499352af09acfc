"""Every exception of ours, and whose fault it is.

    AdjutantError
    |- ConfigError              the operator's: exit 2 at start, never a task's fault
    |- LoginFailed              the operator's or the hub's: exit 1 at start, which systemd answers with a restart
    |- DiskFull                 the operator's: the same, for a disk on which the daemon cannot begin
    |- EngineUnavailable        the operator's: the host goes not ready, the task is handed back, no package fails
    |  |- EngineTimeout         the engine did not finish in its container_timeouts
    |  |- EngineBroken          the engine answers that its storage is full or cannot be written
    |  |  `- EngineDamaged      part of an image is gone from its storage
    |  `- TaskInterrupted       a container of the task was ended from outside, or a disk of this host is full
    |     `- EngineFailed       a request that the engine refused for a reason that the task knows nothing of
    |- EngineError              the same where it was made; ours, with a traceback, if the request itself was wrong
    |  `- ContentRefused        what a container holds is not taken out of it
    |- TaskCanceled             the user's: clean up and leave, nothing is reported
    `- TaskFault                something the hub is told in one sentence, with a fault code of Koji
       |- BuildrootFailed       the repo's, tag's or policy's: koji.BuildrootError
       |  `- ImagePullError     the image policy's
       |- BuildFailed           the package's: koji.BuildError
       |  `- TaskTimeout        the package's: a command ran longer than its limit
       `- TaskFailed            any other task that cannot do what it was asked: koji.GenericError

A message says what failed, on what object, why as far as known, and what to do. Where Koji's users know a
text, ours begins with it. The fault code is what Koji's own exception of that kind carries (kojid-facts 1.3);
``koji_adjutant.handlers`` turns a TaskFault into that exception at the one place where a task ends. A message may
quote what hostile code has said; it is shown with nothing in it that a hub or a terminal could not take.
"""

import re
from typing import ClassVar

_UNFIT = re.compile("[^\t\n -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML does not have, and what terminals obey."""


class AdjutantError(Exception):
    """Base of all our errors. `hint`, where given, is the operator's or packager's next step."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        said = f"{self.message}; {self.hint}" if self.hint else self.message
        return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), said)


class ConfigError(AdjutantError):
    """A file, option or value that the operator has to change; the process exits with `exit_code`."""

    exit_code: ClassVar[int] = 2


class LoginFailed(AdjutantError):
    """There is no session with the hub: it cannot be reached, or does not want us."""


class DiskFull(AdjutantError):
    """A disk of this host is full, or broken, when the daemon starts: it may have room a moment later."""


class EngineUnavailable(AdjutantError):
    """The podman service cannot be reached or does not answer."""


class EngineTimeout(EngineUnavailable):
    """The podman service did not finish a request within its limit."""


class EngineBroken(EngineUnavailable):
    """The podman service answers, and cannot do its work: its storage is full, read-only or damaged."""


class EngineDamaged(EngineBroken):
    """Part of an image, or of a container, is gone from the engine's storage."""


class TaskInterrupted(EngineUnavailable):
    """What a task works with on this host was taken from it: a container that was ended from outside, a disk."""


class EngineFailed(TaskInterrupted):
    """The engine could not do what a task asked of it, and nothing says that this was for the task's sake."""


class EngineError(AdjutantError):
    """The podman service refused a request: `status` is its HTTP status, `message` has its words."""

    def __init__(self, message: str, *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ContentRefused(EngineError):
    """Something in a container is not taken out of it: it has a name, or a size, that it should not have."""


class TaskCanceled(AdjutantError):
    """The hub no longer shows the task as open on this host."""


class TaskFault(AdjutantError):
    """A task cannot be done; the hub is told `str(self)` under `fault_code`."""

    fault_code: ClassVar[int] = 1000


class TaskFailed(TaskFault):
    """A task that has no buildroot cannot be done (koji.GenericError)."""


class BuildrootFailed(TaskFault):
    """The buildroot that the task needs cannot be had (koji.BuildrootError)."""

    fault_code = 1012


class ImagePullError(BuildrootFailed):
    """The image that policy chose cannot be had."""


class BuildFailed(TaskFault):
    """The package does not build (koji.BuildError)."""

    fault_code = 1005


class TaskTimeout(BuildFailed):
    """A command of the package ran longer than its limit."""
