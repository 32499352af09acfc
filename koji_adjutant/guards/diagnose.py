"""Whose fault a failure is: one ordered list of rules, over the error and what was seen around the engine.

The layers around an engine look, and write down what they see in the `Evidence` of their task; what fails is told once,
here, in the words of the first rule that fits. Code of packages can print what it likes, and fail as it likes: that the
host is to blame is never taken from it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    BuildrootFailed,
    ContentRefused,
    EngineBroken,
    EngineError,
    EngineFailed,
    EngineUnavailable,
    LimitsUnavailable,
    ProgramMissing,
    TaskFault,
    TaskInterrupted,
)
from koji_adjutant.host.disks import Disk, interrupted, want_of_space

WHO_HINT = "see in the journal of this host who ended it (podman kill, rm or stop; or the kernel, for want of memory)"
ENGINE_HINT = "see the journal of the podman service"
ROOM_AGAIN = "a command of the build found the disk full, which has room again"


@dataclass(kw_only=True)
class Evidence:
    """What was seen of one task, as long as it has its engine."""

    interruption: EngineUnavailable | None = None
    """What the task worked in was ended from outside, or found no room that was promised; or the engine, which was
    asked for that, has failed."""
    bomb: BuildFailed | None = None
    """The build has filled the engine's storage to the last byte."""
    limits_hit: list[str] = field(default_factory=list)
    """Which limits of the task were hit, and what there is to raise: a sentence each."""
    has_filled_disk: bool = False
    """Whether the build was stopped at the limit of its disk."""
    unenforced: EngineUnavailable | None = None
    """Why a limit was not enforced, or why it is unknown whether one was hit."""

    def add_limit(self, sentence: str) -> None:
        """A limit was hit; said once."""
        if sentence not in self.limits_hit:
            self.limits_hit.append(sentence)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error, and what is known beside it. `disks` are those of this host."""

    error: Exception
    seen: Evidence
    disks: Sequence[Disk]

    @property
    def is_work(self) -> bool:
        """Whether the work has failed, or the engine has refused a part of it."""
        return isinstance(self.error, TaskFault | EngineError)

    @property
    def is_stop(self) -> bool:
        """Whether it may be what is left to see of a build that was stopped at its limit: an engine without room does
        not even know that we have ended what took it, or answers too late."""
        return isinstance(self.error, EngineUnavailable) and self.seen.has_filled_disk


Rule = Callable[[Failure], AdjutantError | None]


def _limit_not_enforced(failure: Failure) -> AdjutantError | None:
    """The operator's: where limits could not be watched, or asked for, work may have failed for that."""
    seen = failure.seen
    if not failure.is_work or seen.limits_hit or seen.unenforced is None:
        return None
    return seen.bomb if seen.bomb and is_interruption(seen.unenforced) else seen.unenforced


def _interrupted(failure: Failure) -> AdjutantError | None:
    """Whoever ended it from outside, or the operator, who has promised the room."""
    return failure.seen.interruption if failure.is_work or failure.is_stop else None


def _disk_of_this_host(failure: Failure) -> AdjutantError | None:
    """The operator's, whatever came of a full or broken disk."""
    if not isinstance(failure.error, TaskFault | OSError):
        return None
    reason = want_of_space(failure.error)
    return None if reason is None else interrupted(failure.disks, reason)


def _limit_hit(failure: Failure) -> AdjutantError | None:
    """The package's: its kind of failure stays, and says which limit it met with."""
    error, reasons = failure.error, failure.seen.limits_hit
    if not reasons or not (failure.is_work or failure.is_stop):
        return None
    if isinstance(error, TaskFault):
        return type(error)(error.message, hint="; ".join(filter(None, (error.hint, *reasons))))
    # Of a container that we have killed, the engine has nothing more to say.
    return BuildFailed("the build was stopped", hint="; ".join(reasons))


def _engine_filled(failure: Failure) -> AdjutantError | None:
    """The package's: what broke the engine was the build."""
    return failure.seen.bomb if is_interruption(failure.error) else None


def _limit_unavailable(failure: Failure) -> AdjutantError | None:
    """Whoever asked for a limit that this host cannot have: nothing is built without it."""
    error = failure.error
    return BuildrootFailed(error.message, hint=error.hint) if isinstance(error, LimitsUnavailable) else None


def _image_without_program(failure: Failure) -> AdjutantError | None:
    """Whoever chose the image: no other attempt finds the program in it."""
    error = failure.error
    return BuildrootFailed(error.message, hint=error.hint) if isinstance(error, ProgramMissing) else None


def _engine_refused(failure: Failure) -> AdjutantError | None:
    """The operator's: an engine that refuses what it grants all others. A request that was wrong is ours, and what a
    container holds is not the engine's doing."""
    error = failure.error
    if (
        not isinstance(error, EngineError)
        or isinstance(error, ContentRefused)
        or error.status == HTTPStatus.BAD_REQUEST
    ):
        return None
    return EngineFailed(error.message, hint=error.hint or ENGINE_HINT)


RULES: tuple[Rule, ...] = (
    _limit_not_enforced,
    _interrupted,
    _disk_of_this_host,
    _limit_hit,
    _engine_filled,
    _limit_unavailable,
    _image_without_program,
    _engine_refused,
)


def diagnose(error: Exception, seen: Evidence, disks: Sequence[Disk]) -> Exception:
    """What to say of `error`: the first rule's word, or the error itself. Pure."""
    failure = Failure(error=error, seen=seen, disks=disks)
    return next((found for rule in RULES if (found := rule(failure)) is not None), error)


@contextmanager
def diagnosed(seen: Evidence, disks: Sequence[Disk]) -> Iterator[None]:
    """What fails in this context says whose fault it is."""
    try:
        yield
    except (AdjutantError, OSError) as error:
        found = diagnose(error, seen, disks)
        if found is error:
            raise
        raise found from error


def is_interruption(error: Exception) -> bool:
    """Whether a task that ends so is begun anew. Of an engine that is broken a host takes no task: one that is taken
    all the same may be what breaks it."""
    return isinstance(error, TaskInterrupted | EngineBroken)


# What the layers have seen, in words


def container_ended(container: str, how: str) -> TaskInterrupted:
    """A build container was ended from outside."""
    return TaskInterrupted(
        f"the build container {container[:12]} {how} while the task worked in it", hint=WHO_HINT
    )


def program_removed(role: str) -> TaskInterrupted:
    """The container of a program was removed from outside."""
    return TaskInterrupted(f"the {role} container was removed while it worked", hint=WHO_HINT)


def program_killed(role: str) -> TaskInterrupted:
    """A program was killed, and not by the daemon."""
    return TaskInterrupted(f"the {role} container was killed while it worked", hint=WHO_HINT)


def room_again() -> TaskInterrupted:
    """The disk was full for a moment."""
    return TaskInterrupted(ROOM_AGAIN, hint="see df, or raise minspace")


def engine_full(when: str) -> EngineBroken:
    """The engine's storage has less room than was promised."""
    return EngineBroken(
        f"the engine's storage became full when {when}",
        hint="make room there (podman system df, koji-adjutant buildroots prune), or raise minspace",
    )


def engine_filled(written: int, promised: int) -> BuildFailed:
    """A build has written all that it may, and that was all there was."""
    return BuildFailed(
        "error building package; the build has filled the engine's storage",
        hint=f"it wrote {written >> 20} MB or more; {promised >> 20} MB are for a build (minspace, build_disk)",
    )
