"""What may happen to a task, by name: each is what a `Scene` is given before it runs."""

import errno
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import koji

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.errors import (
    BuildFailed,
    BuildrootFailed,
    ContentRefused,
    EngineBroken,
    EngineDamaged,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ImagePullError,
    LimitsUnavailable,
    ProgramMissing,
    TaskCanceled,
    TaskFailed,
    TaskInterrupted,
    TaskTimeout,
)
from tests.fakes.containers import Command, CommandResult, FakeContainer
from tests.unit.guards.golden_bench import (
    LITTLE_ROOM,
    MEASURE,
    NO_ROOM,
    PROGRAM,
    ROOM,
    Scene,
)

Situation = Callable[[Scene], None]

SAID = "cc1: error writing to /tmp/x.s: No space left on device\n"
WANT_OF_MEMORY = "the kernel has killed 1 processes for want of memory\n"
KILLED_BEFORE = "the {} container was killed while it worked"
FULL_BEFORE = "a command of the build found the disk full, which has room again"
ALL_LIMITS = "memory 2\npids 3\nblocks 1000 3\n"


def full(where: str = "") -> OSError:
    return OSError(errno.ENOSPC, "No space left on device", where or None)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


ENGINE_ERRORS: dict[str, Callable[[], Exception]] = {
    "refused 400": lambda: EngineError("cannot do it: podman says: decoding JSON", status=400),
    "refused 404": lambda: EngineError("cannot do it: podman says: no such container", status=404),
    "refused 409": lambda: EngineError("cannot do it: podman says: state improper", status=409),
    "refused 500": lambda: EngineError("cannot do it: podman says: layer in use", status=500, hint="look"),
    "refused limit": lambda: LimitsUnavailable(
        "the engine cannot limit memory (limits of the builder)", hint="do"
    ),
    "refused program": lambda: ProgramMissing("image localhost/tools:1 has no /bin/x", hint="build it anew"),
    "refused content": lambda: ContentRefused("refused to copy '../x' out of a container"),
    "unavailable": lambda: EngineUnavailable("the podman service cannot be reached", hint="start it"),
    "too late": lambda: EngineTimeout("podman did not finish within 60 s"),
    "broken": lambda: EngineBroken("the engine's storage cannot be written", hint="see df"),
    "damaged": lambda: EngineDamaged("part of an image is gone"),
    "broken off": lambda: TaskInterrupted("the podman service broke off in the middle of it"),
    "timeout": lambda: TaskTimeout("program ran longer than 9 s and was killed"),
    "canceled": lambda: TaskCanceled("cannot do it: the task is to end"),
    "no image": lambda: ImagePullError("image x cannot be pulled"),
    "disk full": lambda: full("/elsewhere/x"),
    "no such file": lambda: FileNotFoundError(2, "No such file or directory"),
}
VERBS = ("create", "start", "exec", "copy_to", "copy_from", "import_empty_image", "kill", "remove")
RAISED: dict[str, Callable[[], Exception]] = {
    "build fault": lambda: BuildFailed("error building package", hint="status 1"),
    "build timeout": lambda: TaskTimeout("rpmbuild ran longer than 9 s"),
    "buildroot fault": lambda: BuildrootFailed("could not init buildroot"),
    "task fault": lambda: TaskFailed("failed to create repo"),
    "fault of a full disk": lambda: caused(BuildrootFailed("metadata cannot be kept"), full()),
    "full work directory": full,
    "Koji's error": lambda: koji.GenericError("a repo id must be provided"),
    "end": lambda: KeyError("ours"),
    **ENGINE_ERRORS,
}


def fails(scene: Scene, verb: str, error: Callable[[], Exception], *, calls_before: int = 0) -> None:
    scene.engine.failures[verb] = [*[None] * calls_before, error()]


def raises(scene: Scene, error: Callable[[], Exception]) -> None:
    """The task's own work fails so, when its program has ended well."""

    def after() -> None:
        raise error()

    scene.after = after


def ends(scene: Scene, code: int, text: str = "") -> None:
    scene.says(code, text)


def own(scene: Scene, what: str, *, code: int = 1, others: bool = False) -> None:
    """Somebody does `what` to the program's container meanwhile, or to the build container beside it."""

    def effect(container: FakeContainer, _command: Command) -> None:
        target = scene.engine.container(scene.build) if others and scene.build else container
        match what:
            case "remove":
                scene.engine.remove(target.id)
            case "kill":
                target.end(137)
            case "by itself":
                target.end(126)
            case _:
                target.end(-1)

    scene.says(code, effect=effect)


def ours(scene: Scene, code: int) -> None:
    def during(engine: ContainerManager) -> None:
        if scene.build:
            engine.kill(scene.build)

    scene.during = during
    scene.says(code)


def too_long(scene: Scene) -> None:
    scene.timeout = 9.0
    scene.engine.script(PROGRAM, CommandResult(endless=True))


def full_inside(scene: Scene, written: str, *, code: int = 1, text: str = "") -> None:
    scene.free_inside(NO_ROOM)
    scene.written(written)
    scene.says(code, text)


def speaks(scene: Scene, free: int, *, code: int = 1, text: str = SAID, limits: str = "") -> None:
    """The program speaks of a full disk, on which so much is free."""
    scene.free_inside(free)
    scene.examined(0, limits)
    scene.says(code, text)


def momentary(scene: Scene) -> None:
    """The disk is full when the program says so, and has room again when it has failed."""

    def tell(_own: FakeContainer, _command: Command) -> None:
        scene.free_inside(ROOM)

    scene.free_inside(NO_ROOM, tell)
    scene.says(1, SAID)


def full_here(scene: Scene, free: int, kibibytes: int, *, code: int = 1, text: str = SAID) -> None:
    """The engine's storage on this machine is full, of which the build has written so much."""

    def effect(_own: FakeContainer, _command: Command) -> None:
        (scene.upper() / "zeros").write_bytes(bytes(kibibytes << 10))

    scene.storage_here(free)
    scene.says(code, text, effect)


def bomb(scene: Scene, kibibytes: int, error: Callable[[], Exception]) -> None:
    """The same, and the engine does not know how the program ended."""
    full_here(scene, 0, kibibytes, code=0, text="")
    raises(scene, error)


def own_disk_full(scene: Scene) -> None:
    scene.free[str(scene.directory / "work")] = NO_ROOM
    scene.config.disks[0].path.mkdir()
    scene.says(1, SAID)


def examined(scene: Scene, answer: str, *, code: int = 0, ended: int = 1) -> None:
    scene.examined(code, answer)
    scene.says(ended)


def examination_fails(scene: Scene, verb: str, error: Callable[[], Exception], *, look: bool = False) -> None:
    """The first question after the program's end finds the engine so, or the second one."""

    def effect(_own: FakeContainer, _command: Command) -> None:
        scene.engine.failures[verb] = [*[None] * look, error()]

    scene.says(1, effect=effect)


def fills(scene: Scene, line: str, error: Callable[[], Exception] | None = None) -> None:
    """The disk watch counts so much, and ends the program."""

    def effect(container: FakeContainer, _command: Command) -> None:
        if scene.limits.watches_disk and scene.role in ("build", "installer"):
            assert container.ended.wait(20)
            scene.engine.container(scene.build).ended.wait(20)
        if error is not None:
            raise error()

    scene.engine.script(MEASURE, CommandResult(output=(("stdout", line.encode()),)))
    scene.says(137, effect=effect)


def again(scene: Scene, situation: Situation, reasons: Sequence[str] = ()) -> None:
    """A situation, in a task that was interrupted before."""
    scene.counted(*(reason.format(scene.role) for reason in reasons))
    situation(scene)


def _situations() -> Iterator[tuple[str, Situation]]:
    yield "all is well", lambda _scene: None
    for verb in VERBS:
        for name, error in ENGINE_ERRORS.items():
            yield f"{verb}: {name}", partial(fails, verb=verb, error=error)
    yield (
        "second create: refused 404",
        partial(fails, verb="create", error=ENGINE_ERRORS["refused 404"], calls_before=1),
    )
    for name, error in RAISED.items():
        yield f"the task: {name}", partial(raises, error=error)
    for code in (1, 2, 125, 126, 127, 137, 139):
        yield f"exit code {code}", partial(ends, code=code)
    for what in ("kill", "remove", "by itself", "lost"):
        yield f"container: {what}", partial(own, what=what)
        yield f"container: {what}, exit code 137", partial(own, what=what, code=137)
        yield f"build container: {what}", partial(own, what=what, others=True)
    yield "killed by the task", partial(ours, code=1)
    yield "killed by the task, exit code 137", partial(ours, code=137)
    yield "timeout", too_long
    yield from _disks()
    yield from _limits()
    yield from _again()


def _disks() -> Iterator[tuple[str, Situation]]:
    for written in ("10", "1024", "102400", "x"):
        yield f"full inside, {written} KiB written", partial(full_inside, written=written)
        yield f"full inside, {written} KiB written, said", partial(full_inside, written=written, text=SAID)
    for name, free in (("no", NO_ROOM), ("little", LITTLE_ROOM), ("all", ROOM)):
        yield f"said, {name} room", partial(speaks, free=free)
        yield f"said, {name} room, exit code 0", partial(speaks, free=free, code=0)
        yield f"said, {name} room, exit code 137", partial(speaks, free=free, code=137)
        yield f"said, {name} room, limits", partial(speaks, free=free, limits=ALL_LIMITS)
    yield "full for a moment", momentary
    for name, free in (("full", 0), ("little room", LITTLE_ROOM)):
        for kibibytes in (16, 1024):
            yield f"storage here: {name}, {kibibytes} KiB", partial(full_here, free=free, kibibytes=kibibytes)
            yield (
                f"storage here: {name}, {kibibytes} KiB, not said",
                partial(full_here, free=free, kibibytes=kibibytes, text=""),
            )
    for kind in ("broken off", "broken", "damaged", "unavailable", "too late", "refused 500"):
        for kibibytes in (16, 1024):
            yield (
                f"storage filled: {kibibytes} KiB, {kind}",
                partial(bomb, kibibytes=kibibytes, error=ENGINE_ERRORS[kind]),
            )
    yield "a disk of this host is full", own_disk_full


def _limits() -> Iterator[tuple[str, Situation]]:
    yield "memory, by the program's word", partial(ends, code=137, text=WANT_OF_MEMORY)
    for answer in ("memory 2\n", "pids 3\n", "blocks 1000 3\n", ALL_LIMITS, "memory many\n"):
        name = " ".join(answer.split())
        yield f"limits: {name}", partial(examined, answer=answer)
        yield f"limits: {name}, exit code 137", partial(examined, answer=answer, ended=137)
    yield "limits: nothing can be started", partial(examined, answer="", code=125)
    for name in ("refused 409", "refused 500", "unavailable", "broken", "broken off", "too late", "canceled"):
        for verb in ("inspect", "exec"):
            for look in (False, True):
                yield (
                    f"asked {'twice' if look else 'once'}: {verb} {name}",
                    partial(examination_fails, verb=verb, error=ENGINE_ERRORS[name], look=look),
                )
    yield "build_disk reached", partial(fills, line="1.0 2000000 3\n")
    yield "build_inodes reached", partial(fills, line="1.0 20 3000\n")
    yield "counting says nonsense", partial(fills, line="nonsense\n")
    for name in ("broken off", "broken", "unavailable", "too late", "refused 404", "canceled"):
        yield f"build_disk reached, {name}", partial(fills, line="1.0 2000000 3\n", error=ENGINE_ERRORS[name])


def _again() -> Iterator[tuple[str, Situation]]:
    yield "killed again", partial(again, situation=partial(ends, code=137))
    yield "killed as before", partial(again, situation=partial(ends, code=137), reasons=[KILLED_BEFORE])
    yield "full as before", partial(again, situation=momentary, reasons=[FULL_BEFORE])
    often = ["the podman service broke off"] * 10
    yield "too often: killed", partial(again, situation=partial(own, what="kill"), reasons=often)
    yield "too often: exit code 1", partial(again, situation=partial(ends, code=1), reasons=often)
    for name in ("refused 400", "refused 500", "unavailable", "broken", "broken off", "disk full"):
        fault = partial(fails, verb="start", error=ENGINE_ERRORS[name])
        yield f"too often: {name}", partial(again, situation=fault, reasons=often)


SITUATIONS: dict[str, Situation] = dict(_situations())
