"""The build container, and the script in it that runs rpm and rpmbuild: what buildArch and rebuildSRPM share.

Everything here is pure but `Narrator`, which takes the script's output to the logs that Koji's users know while
the script runs: unpacking to root.log, rpmbuild to build.log, and a line a phase to state.log and mock_output.log.
"""

import errno
import logging
import os
import platform
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from koji_adjutant.buildroot.machines import personality
from koji_adjutant.buildroot.packages import QUERY_FORMAT, InstalledPackage
from koji_adjutant.buildroot.settings import BUILD_IDS, HOME, TOPDIR, BuildrootSettings
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, Stream, VolumeMount
from koji_adjutant.container.labels import Role
from koji_adjutant.disks import LEAST_BYTES
from koji_adjutant.errors import BuildFailed, ContentRefused, TaskInterrupted
from koji_adjutant.journal import Phase
from koji_adjutant.policy.network import network_of_package_code
from koji_adjutant.task_adapters.answer import Answer
from koji_adjutant.task_adapters.base import Step, TaskContext
from koji_adjutant.task_adapters.logs import TaskLogs

SCRIPTS = Path(__file__).with_name("scripts")
BUILD_SCRIPT = SCRIPTS / "build.sh"
IDLE_SCRIPT = SCRIPTS / "idle.sh"
BUILD_TEXT, IDLE_TEXT = BUILD_SCRIPT.read_text(), IDLE_SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
BUILT, FAILED, MISSING, DYNAMIC = 0, 10, 20, 21
"""Exit codes of the build script."""
CODES = {"built": BUILT, "complete": BUILT, "missing": MISSING, "dynamic": DYNAMIC}
"""Those that go with its last word; with every other one it has failed."""
STATUS_BUILD, STATUS_TIMEOUT, STATUS_PACKAGES, STATUS_SOURCE = 10, 11, 30, 40
"""What mock exits with when dynamic BuildRequires cannot be found out, for a timeout, when packages cannot be
installed, and for a source package that is none; scripts look for them. Otherwise it exits as rpmbuild did."""
FIRST = frozenset({"source", "rebuild"})
"""Actions of the build script before which nothing of the package has run."""
NO_SOURCE = frozenset({"unpack", "spec", "srpm"})
"""Last words of the build script about a source package that is none."""
BUILD_LOG, ROOT_LOG, STATE_LOG, OUTPUT_LOG = "build.log", "root.log", "state.log", "mock_output.log"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - inside a container of one task
SHM_MINIMUM = 1 << 30
MESSAGE_LIMIT = 1 << 16
MESSAGES_LIMIT = 1000
"""Lines that are taken of the build script, which says far fewer: what a package runs could reach the
script's descriptors, and is not to fill the journal."""
REQUIRES_LIMIT = 8 << 20
"""Characters of BuildRequires that are taken from a run of the build script."""
PACKAGE = ".rpm"
PACKAGE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^{}%-]*\.rpm", re.ASCII)
"""The file of a package that rpmbuild makes: name, version and release have no other characters."""
ROOM_LEFT = 512 << 20
"""Bytes that results leave of the work directory's disk, or half of it: a file with a hole says that it is as large as
it likes."""
PHASES = frozenset({"unpack", "check", "rpmbuild-bs", "rpmbuild-br", "rpmbuild-bb", "rpmbuild-ba"})

logger = logging.getLogger(__name__)


def build_container_spec(ctx: TaskContext, settings: BuildrootSettings, buildroot_id: int) -> ContainerSpec:
    """The container that package code runs in; its image is chosen by the buildroot's initializer. Pure."""
    owner = ctx.owner(buildroot_id=buildroot_id, build_tag=settings.tag_name, arch=settings.arch)
    uid, gid = BUILD_IDS
    return ContainerSpec(
        image="",
        command=("/bin/bash", "-c", IDLE_TEXT, IDLE_SCRIPT.name, QUERY_FORMAT),
        labels={**ctx.config.container_labels, **owner.labels(Role.BUILD)},
        environment={"PATH": settings.environment["PATH"]},
        user=f"{uid}:{gid}",
        workdir="/",
        hostname=settings.macros["%_buildhost"][:63],
        mounts=(shared_memory(), *ctx.config.build_mounts),
        network=network_of_package_code(str(ctx.parameters.get("method")), ctx.config),
        image_hosts=True,
    )


def shm_size() -> int:
    """Half of memory, as mock's /dev/shm has; never under 1 GiB."""
    return max(SHM_MINIMUM, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)


def shared_memory() -> VolumeMount:
    """Shared memory as mock has it: programs may be mapped from it, which the engine's own does not allow."""
    options = ("nosuid", "nodev", "mode=1777", f"size={shm_size()}", "notmpcopyup")
    return VolumeMount(kind="tmpfs", target=SHARED_MEMORY, read_only=False, options=options)


def build_step(
    settings: BuildrootSettings, action: str, target: str, *arguments: str, timeout: float | None
) -> Step:
    """A run of the build script. Pure."""
    uid, gid = BUILD_IDS
    machine = personality(target)
    return Step(
        argv=("/bin/bash", "-c", BUILD_TEXT, BUILD_SCRIPT.name, action, target, *arguments),
        log=BUILD_LOG,
        environment={**settings.environment, **({"ADJUTANT_MACHINE": machine} if machine else {})},
        user=f"{uid}:{gid}",
        workdir=HOME,
        timeout=timeout,
    )


def run_script(
    ctx: TaskContext,
    manager: ContainerManager,
    container: str,
    settings: BuildrootSettings,
    narrator: "Narrator",
    *arguments: str,
) -> int:
    """Run the build script in the container; its exit code. TaskTimeout after rpmbuild_timeout.

    `arguments` are the script's: action, target, and what the action takes. TaskInterrupted when it ended before it did
    anything, at a time when nothing of the package has run.
    """
    step = build_step(settings, *arguments, timeout=float(ctx.config.rpmbuild_timeout))
    narrator.result = ""
    try:
        code = manager.exec(
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
        logger.warning("task %d, by the script's own word %s: %s", ctx.task_id, narrator.result, error)
        code = CODES.get(narrator.result, FAILED)
    if code and arguments[0] in FIRST and not narrator.has_heard:
        raise TaskInterrupted(
            f"the build's script ended with status {code} before it began to work",
            hint="see in the journal of this host what its disk, its memory and its engine lacked",
        )
    return code


def stage_home(directory: Path, settings: BuildrootSettings, srpm: Path) -> Path:
    """The build user's home as it is copied into the container: macros, and the source package."""
    home = directory / HOME.lstrip("/")
    originals = directory / TOPDIR.lstrip("/") / "originals"
    originals.mkdir(parents=True)
    (home / ".rpmmacros").write_text(settings.rpmmacros)
    shutil.copyfile(srpm, originals / srpm.name)
    return home


def take_packages(
    manager: ContainerManager, container: str, source: str, directory: Path, *, failed: str
) -> tuple[Path, ...]:
    """The packages below `source` of a build container, in `directory`. BuildFailed, which begins with `failed`,
    when what is there is not what rpmbuild leaves there. Files of other kinds stay where they are."""
    disk = shutil.disk_usage(directory)
    room = room_for_results(disk.free)
    try:
        paths = manager.copy_from(container, source, directory, suffix=PACKAGE, limit=room)
    except ContentRefused as error:
        # With less on this disk there would be room; what has holes takes less than it says.
        if disk.free < LEAST_BYTES or room < size_on_disk(manager, container, source) <= room_for_results(
            disk.total
        ):
            raise OSError(errno.ENOSPC, "no space left for the results of a build", str(directory)) from error
        raise BuildFailed(failed, hint=f"its results cannot be taken: {error}") from error
    for path in paths:
        if not PACKAGE_NAME.fullmatch(path.name):
            raise BuildFailed(failed, hint=f"{path.name!r} among its results is no name of a package")
    return paths


def room_for_results(free: int) -> int:
    """Bytes that results may have where so many are free. Pure."""
    return max(free - ROOM_LEFT, free // 2)


def size_on_disk(manager: ContainerManager, container: str, source: str) -> int:
    """Bytes that `source` takes in a build container."""
    answer = Answer()
    manager.exec(
        container, ("du", "-sk", source), answer, environment={"PATH": "/usr/bin:/bin"}, timeout=60.0
    )
    size = answer.text.split(maxsplit=1)[:1]
    return int(size[0]) << 10 if size and size[0].isdigit() else 0


class Narrator:
    """The sink of the build script. `result` is the script's own last word on how it ended,
    `source` the name of the source package that it made last, `requires` the BuildRequires of that."""

    def __init__(self, ctx: TaskContext, logs: TaskLogs) -> None:
        self.result = ""
        self.source = ""
        self.requires: list[str] = []
        self._required = 0
        self._ctx = ctx
        self._logs = logs
        self._target = logs.sink(BUILD_LOG)
        self._phase = ""
        self._partial = b""
        self._messages = 0

    @property
    def has_heard(self) -> bool:
        """Whether the script has said anything."""
        return self._messages > 0

    @property
    def log_of_failure(self) -> str:
        """The log in which the failing command wrote."""
        return ROOT_LOG if self.result.startswith("unpack") else BUILD_LOG

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
            self._target.write(stream, data)
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MESSAGE_LIMIT:
            self._partial = b""
        for line in lines:
            self._take(line.decode(errors="replace"))

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
            self.source = rest
            self.requires = []

    def _require(self, requirement: str) -> None:
        self._required += len(requirement)
        if self._required > REQUIRES_LIMIT:
            raise BuildFailed(f"the package's BuildRequires are over {REQUIRES_LIMIT} characters")
        self.requires.append(requirement)

    def begin(self, phase: str) -> None:
        """A phase begins; the one before has ended."""
        self.end()
        self._phase = phase
        self._target = self._logs.sink(ROOT_LOG if phase == "unpack" else BUILD_LOG)
        self._logs.heading(phase)
        if phase.startswith("rpmbuild-"):
            self._ctx.journal.record(Phase.RPMBUILD_STARTED, task=self._ctx.task_id, command=phase)
        self.state(f"Start: {phase}")

    def end(self) -> None:
        """The phase under way has ended."""
        if self._phase:
            self.state(f"Finish: {self._phase}")
            self._phase = ""

    def state(self, text: str) -> None:
        """A line in state.log and mock_output.log."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        self._logs.sink(STATE_LOG).line(f"{now} - {text}")
        self._logs.sink(OUTPUT_LOG).line(f"INFO: {text}")


def write_host_logs(logs: TaskLogs, packages: tuple[InstalledPackage, ...]) -> None:
    """hw_info.log and installed_pkgs.log."""
    hardware = logs.sink("hw_info.log")
    hardware.line(f"kernel: {platform.release()} {platform.machine()}")
    for name in ("cpuinfo", "meminfo"):
        hardware.line(f"/proc/{name}:")
        hardware.line(Path("/proc", name).read_text(errors="replace").rstrip())
    listing = logs.sink("installed_pkgs.log")
    listing.line("\n".join(f"{p.nevra} {p.buildtime} {p.size} installed" for p in packages))
