"""The scripts in a build container that run rpm and rpmbuild: how they are run, and what becomes of what they say.

An action is one command in the container, whatever it does (an exec costs a tenth of a second): a part that all have in
common and the action's own file, read when the daemon starts and handed over as one text. Arguments and environment are
all that it is given. How it ended is its exit code.

`Narrator` is the sink of all runs of scripts in one container, and lives as long as that: output of unpacking and of
fetching sources goes to root.log, of rpmbuild to build.log, a line a phase to state.log and mock_output.log, the logs
that Koji's users know. What the script says to us is kept: how it ended, and which BuildRequires the source package
has.
"""

import logging
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from koji_adjutant.buildroot.settings import HOME, TOPDIR, BuildrootSettings
from koji_adjutant.container.interface import Containers, Stream
from koji_adjutant.container.programs import bash
from koji_adjutant.errors import BuildFailed, TaskInterrupted
from koji_adjutant.host.machines import personality
from koji_adjutant.journal.phases import Phase
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.policy.containers import FILES, NO_LIMIT, process_limits
from koji_adjutant.task_adapters.base import Step, TaskContext

BUILD_LOG, ROOT_LOG, STATE_LOG, OUTPUT_LOG = "build.log", "root.log", "state.log", "mock_output.log"
STATUS_BUILD, STATUS_TIMEOUT, STATUS_PACKAGES, STATUS_SOURCE = 10, 11, 30, 40
"""What mock exits with when dynamic BuildRequires cannot be found out, for a timeout, when packages cannot be
installed, and for a source package that is none; scripts look for them. Otherwise it exits as rpmbuild did."""
NO_SOURCE = frozenset({"unpack", "spec", "srpm"})
"""Last words of a script about a source package that is none."""
TURN = b"\0build.log\0\n"
"""What scripts say in the middle of the commands' output where build.log begins. A package that says so before has more
of what it says in build.log."""
BEGINS_IN_ROOT_LOG = frozenset({"rebuild", "source", "sources"})
"""Actions whose commands write there until they say TURN."""
PHASES = frozenset(
    {
        "unpack",
        "sources",
        "buildrequires",
        "rpmautospec",
        "rpmbuild-bs",
        "rpmbuild-br",
        "rpmbuild-bb",
        "rpmbuild-ba",
    }
)
WITH_STEPS = frozenset({"rpmbuild-br", "rpmbuild-bb", "rpmbuild-ba"})
"""Phases in which rpmbuild says what it does."""
SECTIONS = rb"(%(?:prep|generate_buildrequires|conf|build|install|check))"
STEP_WORDS = (b"Executing(%", b"Processing files: ", b"error: Bad exit status from ")
STEP = re.compile(rb"^(?:Executing\(" + SECTIONS + rb"\): |Processing files: )", re.MULTILINE)
BAD_END = re.compile(rb"^error: Bad exit status from \S+ \(" + SECTIONS + rb"\)$", re.MULTILINE)
"""The same words since rpm 4.18, and in 6.1."""
STEP_LENGTH = 500
"""Bytes of the longest, which has the path of a temporary file."""
MOST_STEPS = 40
"""Of a build."""
MESSAGE_LIMIT = 1 << 16
MESSAGES_LIMIT = 1000
"""Lines that are taken of a script, which says far fewer: what a package runs could reach the script's descriptors, and
is not to fill the journal."""
REQUIRES_LIMIT = 8 << 20
"""Characters of BuildRequires that are taken from the scripts of a build."""
REQUIRES_COUNT = 50_000
"""And how many of them, in all runs of a build: each is asked of the solver."""
SCRIPTS = Path(__file__).with_name("scripts")
COMMON, PACKAGE, HISTORY, TREE = "common", "package", "history", "tree"
PARTS: Mapping[str, tuple[str, ...]] = {
    "source": (COMMON, PACKAGE),
    "again": (COMMON, PACKAGE),
    "requires": (COMMON, PACKAGE),
    "binary": (COMMON, PACKAGE),
    "rebuild": (COMMON,),
    "autospec": (COMMON,),
    "sources": (COMMON, TREE),
    "srpm": (COMMON, HISTORY, TREE),
    "laidout": (COMMON, TREE),
}
"""The actions, and which files of `scripts` come before an action's own."""
TEXTS: Mapping[str, str] = {
    action: "".join((SCRIPTS / f"{name}.sh").read_text() for name in (*parts, action))
    for action, parts in PARTS.items()
}
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
BUILT, FAILED, MISSING, DYNAMIC, AUTOSPEC = 0, 10, 20, 21, 22
"""Exit codes of the scripts."""
CODES = {"built": BUILT, "complete": BUILT, "missing": MISSING, "dynamic": DYNAMIC, "autospec": AUTOSPEC}
"""Those that go with the last word of a script; with every other one it has failed."""
FIRST = frozenset({"source", "rebuild", "sources", "srpm"})
"""Actions before which nothing of the package has run."""

ORIGINALS = f"{TOPDIR}/originals"
"""Where the scripts find source packages."""

logger = logging.getLogger("koji.adjutant.task_adapters")


class StepWatch:
    """Tells `begin` of the steps that rpmbuild says it begins, and has the section that it says has `failed`. A package
    can say so, too: nothing depends on it, and of `MOST_STEPS` no more are told."""

    def __init__(self, begin: Callable[[str], None]) -> None:
        self._begin = begin
        self._step = ""
        self._told = 0
        self.failed = ""
        self._tail = b"\n"

    def look_at(self, data: bytes, *, with_steps: bool) -> None:
        """Take one piece of output, of a phase that has steps or has none."""
        text = self._tail + data
        # What is hardly ever there is found faster than what is to stand at the beginning of a line.
        if any(word in text for word in STEP_WORDS):
            for found in STEP.finditer(text):
                if with_steps and found.end() > len(self._tail):
                    self._tell((found[1] or b"package").decode().removeprefix("%"))
            for found in BAD_END.finditer(text):
                self.failed = found[1].decode()
        self._tail = text[-STEP_LENGTH:]

    def _tell(self, step: str) -> None:
        if step != self._step and self._told < MOST_STEPS:
            self._step = step
            self._told += 1
            self._begin(step)


class Narrator:
    """The sink of the scripts. `result` is a script's own last word on how it ended, `source` the name of the source
    package that it made last, `requires` the BuildRequires of that, `lacking` what rpmbuild does not find of them
    although nothing is left to install."""

    def __init__(self, ctx: TaskContext, logs: TaskLogs) -> None:
        self.result = ""
        self.source = ""
        self.requires: list[str] = []
        self.lacking: list[str] = []
        self._required = self._required_count = 0
        self._ctx = ctx
        self._logs = logs
        self._log = BUILD_LOG
        self._target = logs.sink(BUILD_LOG)
        self._may_turn = False
        self._held = b""
        """The end of what has come, where that is the beginning of TURN."""
        self._container = ""
        self._steps = StepWatch(self._begin_step)
        self._phase = ""
        self._partial = b""
        self._messages = 0

    @property
    def has_heard(self) -> bool:
        """Whether the script has said anything."""
        return self._messages > 0

    @property
    def log_of_failure(self) -> str:
        """The log in which the failing command wrote, which was the last."""
        return self._log

    @property
    def place_of_failure(self) -> str:
        """The section of the spec file that has failed, by rpmbuild's own word; the build where it has none."""
        return self._steps.failed or "the build"

    @property
    def status(self) -> int:
        """What mock exits with when a build ends as this one has."""
        phase, _, code = self.result.partition(" ")
        if phase == "rpmbuild-br":
            return STATUS_BUILD
        if phase in NO_SOURCE:
            return STATUS_SOURCE
        return int(code) if re.fullmatch(r"\d{1,3}", code, re.ASCII) else 1

    def write(self, stream: Stream, data: bytes) -> None:
        """Output of commands on stdout; on stderr the script's lines to us."""
        if stream == "stdout":
            # What rpmbuild says last may come after the script's own words, and all it says before them.
            self._steps.look_at(data, with_steps=self._phase in WITH_STEPS)
            self._say(data)
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MESSAGE_LIMIT:
            self._partial = b""
        for line in lines:
            self._take(line.decode(errors="replace"))

    def _say(self, data: bytes) -> None:
        if not self._may_turn:
            self._target.write("stdout", data)
            return
        before, turn, after = (self._held + data).partition(TURN)
        self._held = b"" if turn else beginning_of(TURN, before)
        if ready := before[: len(before) - len(self._held)]:
            self._target.write("stdout", ready)
        if turn:
            self._may_turn = False
            self._works_on(BUILD_LOG)
        if after:
            self._target.write("stdout", after)

    def _take(self, line: str) -> None:
        if line.startswith("require "):
            self._require(line.removeprefix("require "))
            return
        self._messages += 1
        if self._messages > MESSAGES_LIMIT:
            return
        word, _, rest = line.partition(" ")
        if word == "phase" and rest in PHASES:
            self.begin(rest)
        elif word == "result":
            self.result = rest
            self.end()
        elif word == "source":
            self.source, self.requires = rest, []
        elif word == "lacking":
            self.lacking.append(rest)

    def _require(self, requirement: str) -> None:
        self._required += len(requirement)
        self._required_count += 1
        if self._required > REQUIRES_LIMIT:
            raise BuildFailed(f"the package's BuildRequires are over {REQUIRES_LIMIT} characters")
        if self._required_count > REQUIRES_COUNT:
            raise BuildFailed(f"the package's BuildRequires are more than {REQUIRES_COUNT}")
        self.requires.append(requirement)

    def begin(self, phase: str) -> None:
        """A phase begins; the one before has ended."""
        self.end()
        self._phase = phase
        self._logs.heading(phase)
        if phase.startswith("rpmbuild-"):
            self._begin_step(phase)
        self.state(f"Start: {phase}")

    def works_in(self, container: str, log: str) -> None:
        """What the next script says is of this container, and belongs to that log until it says TURN: its lines to us
        may come before or after what its commands have said meanwhile."""
        self._container = container
        self._may_turn = True
        self._works_on(log)

    def _works_on(self, log: str) -> None:
        self._log = log
        self._target = self._logs.sink(log)

    def has_worked(self) -> None:
        """The script has said all: what began as TURN was something else."""
        if self._held:
            self._target.write("stdout", self._held)
        self._held = b""

    def _begin_step(self, step: str) -> None:
        self._ctx.usage.phase_began(self._container, step)
        self._ctx.journal.record(Phase.RPMBUILD_STARTED, task=self._ctx.task_id, command=step)

    def end(self) -> None:
        """The phase under way has ended."""
        self._ctx.usage.phase_ended()
        if self._phase:
            self.state(f"Finish: {self._phase}")
            self._phase = ""

    def state(self, text: str) -> None:
        """A line in state.log and mock_output.log."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        self._logs.sink(STATE_LOG).line(f"{now} - {text}")
        self._logs.sink(OUTPUT_LOG).line(f"INFO: {text}")


def beginning_of(mark: bytes, data: bytes) -> bytes:
    """The end of `data` that `mark`, which it does not contain, may begin with. Pure."""
    return next(
        (mark[:size] for size in range(len(mark) - 1, 0, -1) if data.endswith(mark[:size])),
        b"",
    )


def stage_source(srpm: Path, home: Path) -> None:
    """A source package where the scripts look for it, in what becomes the build user's home."""
    originals = home / Path(ORIGINALS).relative_to(HOME)
    originals.mkdir(parents=True)
    shutil.copyfile(srpm, originals / srpm.name)


def build_step(
    settings: BuildrootSettings,
    action: str,
    target: str,
    *arguments: str,
    timeout: float | None,
    open_files: int | None = None,
) -> Step:
    """A run of the script of an action, as the container's own user, with the groups that it has. `open_files` is the
    site's soft limit; None is mock's. Pure."""
    machine = personality(target)
    files = "unlimited" if open_files == NO_LIMIT else str(open_files)
    return Step(
        argv=bash(TEXTS[action], f"{action}.sh", target, *arguments),
        log=BUILD_LOG,
        environment={
            **settings.environment,
            **({"ADJUTANT_MACHINE": machine} if machine else {}),
            **({} if open_files is None else {"ADJUTANT_OPEN_FILES": files}),
        },
        user="",
        workdir=HOME,
        timeout=timeout,
    )


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """Runs the scripts of one task; `narrator` takes what they say."""

    ctx: TaskContext
    manager: Containers
    settings: BuildrootSettings
    narrator: Narrator

    def run(
        self, container: str, action: str, target: str, *arguments: str, begins_in: str | None = None
    ) -> int:
        """Run the script of an action in the container; its exit code. TaskTimeout after rpmbuild_timeout.

        `begins_in`: the log of its first phase, where the action does not say so.

        TaskInterrupted when the script ended before it did anything, at a time when nothing of the package has run.
        """
        log = begins_in or (ROOT_LOG if action in BEGINS_IN_ROOT_LOG else BUILD_LOG)
        self.narrator.works_in(container, log)
        try:
            code = self._exit_code(container, action, target, *arguments)
        finally:
            self.narrator.has_worked()
        if code and action in FIRST and not self.narrator.has_heard:
            raise TaskInterrupted(
                f"the build's script ended with status {code} before it began to work",
                hint="see in the journal of this host what its disk, its memory and its engine lacked",
            )
        return code

    def _exit_code(self, container: str, action: str, target: str, *arguments: str) -> int:
        timeout = float(self.ctx.config.rpmbuild_timeout)
        open_files, _ = process_limits(self.ctx.config).get(FILES, (None, None))
        step = build_step(self.settings, action, target, *arguments, timeout=timeout, open_files=open_files)
        narrator = self.narrator
        narrator.result = ""
        try:
            return self.manager.exec(
                container,
                step.argv,
                narrator,
                environment=step.environment,
                user=step.user,
                workdir=step.workdir,
                timeout=step.timeout,
            )
        except TaskInterrupted as error:
            # An engine that has hung may have forgotten by then how a command had ended.
            if not narrator.result:
                raise
            task, said = self.ctx.task_id, narrator.result
            logger.warning("task %d, by the script's own word %s: %s", task, said, error)
            return CODES.get(said, FAILED)
