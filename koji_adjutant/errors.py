"""Every exception of koji-adjutant, and whose fault it is.

    AdjutantError
    |- ConfigError              the operator's: exit 2 at start, never a task's fault
    |- PluginFailed             the operator's: the daemon goes on, and refuses what the plugin may govern
    |- LoginFailed              the operator's or the hub's: exit 1 at start, which systemd answers with a restart
    |  `- LoginRefused         the hub knows us and does not let us in
    |- DiskFull                 the operator's: the same, for a disk on which the daemon cannot begin
    |- EngineUnavailable        the operator's: the host goes not ready, the task is handed back, no package fails
    |  |- EngineUnsuitable      a podman that is not worked with: too old, or of a release to come
    |  |  `- NoPodman            another program
    |  |- EngineTimeout         the engine did not finish in its container_timeouts
    |  |- EngineBroken          the engine answers that its storage is full or cannot be written
    |  |  `- EngineDamaged      part of an image is gone from its storage
    |  `- TaskInterrupted       a container of the task was ended from outside, or a disk of this host is full
    |     `- EngineFailed       a request that the engine refused for a reason that the task knows nothing of
    |- EngineError              the same where it was made; ours, with a traceback, if the request itself was wrong
    |  |- ContentRefused        what a container holds is not taken out of it
    |  |- LimitsUnavailable     the engine has no control group for a limit that somebody asks for
    |  `- ProgramMissing        an image lacks the program that was to run in it
    |- ExpansionFailed          a compressed file's: damaged, or longer than its reader wants; told with whose it is
    |- TaskCanceled             the user's: clean up and leave, nothing is reported
    `- TaskFault                something the hub is told in one sentence, with a fault code of Koji
       |- BuildrootFailed       the repo's, tag's or policy's: koji.BuildrootError
       |  `- ImagePullError     the image policy's
       |- BuildFailed           the package's: koji.BuildError
       |  |- TaskTimeout        the package's: a command ran longer than its limit
       |  `- UnpackRefused      its repository's: a tree of sources is no tree of files, or too large
       `- TaskFailed            any other task that cannot do what it was asked: koji.GenericError

A message says what failed, on what object, why as far as known, and what to do. Where Koji's users know a
text, ours begins with it. The fault code is what Koji's own exception of that kind carries (kojid-facts 1.3);
``koji_adjutant.handlers`` turns a TaskFault into that exception at the one place where a task ends. A message may
quote what hostile code has said; it is shown with nothing in it that a hub or a terminal could not take.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

_UNFIT = re.compile(
    "[^\t\n -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""What XML does not have, what terminals obey, and what turns text around or ends a line."""


@dataclass(frozen=True)
class Problem:
    """Why something cannot be done, or used as it is: what is told, and no error yet. None stands for "it can be"."""

    what: str
    """What is wrong, on what, and why as far as known."""
    hint: str = ""
    """The operator's or packager's next step; empty where there is none to name."""

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class AdjutantError(Exception):
    """Base of all our errors. `hint`, where given, is the operator's or packager's next step."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        said = str(Problem(self.message, self.hint))
        return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), said)


class ConfigError(AdjutantError):
    """A file, option or value that the operator has to change; the process exits with `exit_code`."""

    exit_code: ClassVar[int] = 2


class PluginFailed(AdjutantError):
    """A plugin cannot be loaded; what it may govern is refused until it can be."""


class LoginFailed(AdjutantError):
    """There is no session with the hub: it cannot be reached, or does not want us."""


class LoginRefused(LoginFailed):
    """The hub answers, and refuses the credentials."""


class DiskFull(AdjutantError):
    """A disk of this host is full, or broken, when the daemon starts: it may have room a moment later."""


class EngineUnavailable(AdjutantError):
    """The podman service cannot be reached or does not answer."""


class EngineUnsuitable(EngineUnavailable):
    """What answers is not worked with: a podman of another release."""


class NoPodman(EngineUnsuitable):
    """What answers at podman's socket is another program."""


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


class LimitsUnavailable(EngineError):
    """The engine cannot hold a container to a limit: a task that was to be limited does not run without."""


class ProgramMissing(EngineError):
    """An image has no such program as its container was to run: whoever chose the image has to know."""


class ContentRefused(EngineError):
    """Something in a container is not taken out of it: it has a name, or a size, that it should not have."""


class ExpansionFailed(AdjutantError):
    """A compressed file is damaged, or expands to more than its reader takes."""


class TaskCanceled(AdjutantError):
    """The hub no longer shows the task as open on this host."""


class TaskFault(AdjutantError):
    """A task cannot be done; the hub is told `str(self)` under `fault_code`."""

    fault_code: ClassVar[int] = 1000


class TaskFailed(TaskFault):
    """A task that has no buildroot cannot be done (koji.GenericError)."""


class BuildrootFailed(TaskFault):
    """The buildroot that the task needs is not available (koji.BuildrootError)."""

    fault_code = 1012


class ImagePullError(BuildrootFailed):
    """The image that policy chose is not available."""


class BuildFailed(TaskFault):
    """The package does not build (koji.BuildError)."""

    fault_code = 1005


class TaskTimeout(BuildFailed):
    """A command of the package ran longer than its limit."""


class UnpackRefused(BuildFailed):
    """Something in a tree of sources is not put onto this host: by its kind, its name or its size."""
