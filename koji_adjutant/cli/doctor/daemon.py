"""Checks of the daemon: its state directory, whether it takes tasks, what is left behind, and who else is there."""

import fcntl
import os
import stat
import struct
import time
from collections.abc import Iterator
from configparser import Error as ParserError
from configparser import RawConfigParser
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.configuration import some
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.config import DEFAULT_FILE, Config
from koji_adjutant.container import labels
from koji_adjutant.daemon.cleanup.bound_containers import is_bound
from koji_adjutant.host.files import since_boot
from koji_adjutant.journal.state import TASKS, ProcessName, Readiness, read_readiness
from koji_adjutant.monitoring.sentence import DAEMON, HUB, advice_for

_FLOCK = "hhqqi"
"""struct flock: type, whence, start, length, pid."""
NAMES = frozenset({"kojid"})
RUN_BY = "python"
FIRST_LOOK_SECONDS = 8.0
"""In which it asks engine and hub, and sweeps."""
NEW_SECONDS = 60.0


def _state(on: Surroundings) -> Finding:
    path = on.config.state_dir
    try:
        status = path.stat()
    except FileNotFoundError:
        return ok(f"state_dir {path} is made at the first start")
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode):
        return failure(f"state_dir {path} is no directory", "set state_dir, or remove what is there")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        return failure(f"state_dir {path} is open to others (mode {mode:04o})", f"chmod 0710 {path}")
    if status.st_uid not in {0, os.geteuid()}:
        return failure(f"state_dir {path} belongs to user {status.st_uid}", "chown it to the daemon's user")
    holder = _lock_holder(path / "lock")
    if holder and (on.main is None or holder != on.main.pid):
        return failure(
            f"process {holder} has the lock of state_dir {path}, and is not its daemon",
            "give each daemon its own state_dir",
        )
    return ok(f"state_dir {path}" + (f", locked by its daemon {holder}" if holder else ""))


def _lock_holder(file: Path) -> int:
    """The process that has a POSIX lock of the file; 0 when there is none, or it cannot be known."""
    with suppress(OSError), file.open("rb") as stream:
        question = struct.pack(_FLOCK, fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(stream, fcntl.F_GETLK, question))
        return 0 if kind == fcntl.F_UNLCK else max(0, int(pid))
    return 0


def _ready(on: Surroundings) -> Finding:
    said = _said_by(on)
    if on.main is None or not on.main.is_alive():
        return _takes_none(DAEMON)
    if said is None:
        return warning("the daemon has just started: it has not said yet whether it takes tasks", "ask again")
    if on.facts is not None and on.facts.hub_lost_since is not None:
        return _takes_none(HUB)
    if said.not_ready is not None:
        return _takes_none(said.not_ready.obstacle.value, said.not_ready.reason)
    return ok(f"the daemon takes tasks (process {on.main.pid})")


def _takes_none(obstacle: str, reason: str = "") -> Finding:
    advice = advice_for(obstacle)
    return failure(
        f"the host takes no task: {advice.title}{f' ({reason})' if reason else ''}", advice.what_to_do
    )


def _said_by(on: Surroundings) -> Readiness | None:
    """What the daemon that runs says of its host; one that has just started needs a moment for its first look."""
    until = time.monotonic() + FIRST_LOOK_SECONDS
    while True:
        said = read_readiness(on.config.state_dir)
        is_known = said is not None and said.writer.is_alive()
        if is_known and said is not None and (said.not_ready is None or not is_new(on.main)):
            return said
        if on.main is None or not on.main.is_alive() or time.monotonic() > until:
            return said if is_known else None
        time.sleep(FIRST_LOOK_SECONDS / 40)


def is_new(main: ProcessName | None) -> bool:
    """Whether a process has just started."""
    return main is not None and since_boot() - main.start_time / os.sysconf("SC_CLK_TCK") < NEW_SECONDS


@dataclass(frozen=True, kw_only=True)
class _Kojid:
    """A process that is called kojid, and its configuration."""

    pid: int
    file: Path


def _second(on: Surroundings) -> Finding:
    own = on.main.pid if on.main else 0
    others = [
        f"process {one.pid} with {one.file}"
        for one in _kojids()
        if one.pid != own and _is_same_host(one, on.config, on.file)
    ]
    if others:
        return failure(
            f"another daemon runs for this host: {some(others)}",
            "stop and disable it: the hub takes one, and kojid.service of koji-builder is the same name",
        )
    return ok("no other kojid runs for this host")


def _kojids(proc: Path = Path("/proc")) -> Iterator[_Kojid]:
    for directory in proc.iterdir():
        if not directory.name.isdigit():
            continue
        with suppress(OSError, UnicodeDecodeError):
            argv = (directory / "cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
            found = _kojid(int(directory.name), argv)
            if found is not None and not _is_child_of_kojid(proc, found.pid):
                yield found


def _kojid(pid: int, argv: list[str]) -> _Kojid | None:
    program = [Path(word).name for word in argv[:2]]
    is_script = len(program) > 1 and program[0].startswith(RUN_BY) and program[1] in NAMES
    if program[0] not in NAMES and not is_script:
        return None
    file = DEFAULT_FILE
    for place, word in enumerate(argv):
        if word in {"-c", "--config"} and place + 1 < len(argv):
            file = Path(argv[place + 1])
        elif word.startswith("--config="):
            file = Path(word.removeprefix("--config="))
    return _Kojid(pid=pid, file=file)


def _is_child_of_kojid(proc: Path, pid: int) -> bool:
    """A task process: it has the command line of its main process."""
    fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
    own, parent = ((proc / one / "cmdline").read_bytes() for one in (str(pid), fields[1]))
    return own == parent


def _is_same_host(other: _Kojid, config: Config, file: Path) -> bool:
    """Whether it logs in to the same hub as we do. One in a container may have another file of the same name."""
    parser = RawConfigParser()
    try:
        theirs_seen = Path(f"/proc/{other.pid}/root{other.file.absolute()}")
        if theirs_seen.samefile(file):
            return True
        parser.read(theirs_seen)
    except (ParserError, OSError, UnicodeDecodeError):
        return False
    section = dict(parser["kojid"]) if parser.has_section("kojid") else {}
    theirs = (section.get("user"), section.get("cert"), section.get("krb_principal"))
    ours = (config.user, config.cert, config.krb_principal)
    same_login = any(one and one == other_one for one, other_one in zip(ours, theirs, strict=True))
    return section.get("server") == config.server and same_login


def _leftovers(on: Surroundings) -> Finding:
    # Before and after: a task says that it runs before its first container, and ends after the last.
    running = _tasks(on)
    there = on.manager.find({labels.WORKER: on.worker})
    running |= _tasks(on)
    left = [
        f"{found.name or found.id[:12]} of task {found.labels.get(labels.TASK, 'none')}"
        for found in there
        if not is_bound(found.labels) and _is_left(on, found.labels.get(labels.TASK), running)
    ]
    if left:
        return warning(
            f"{len(left)} containers of no task that runs: {some(left)}",
            "the daemon removes them within minutes, or at its start; podman ps -a shows them",
        )
    return ok("no container is left behind")


def _tasks(on: Surroundings) -> set[str]:
    return {file.stem for file in (on.config.state_dir / TASKS).glob("*.json")}


def _is_left(on: Surroundings, task: str | None, running: set[str]) -> bool:
    # Without a task: an image is being made, which only a daemon does.
    return task not in running if task else on.main is None


CHECKS = (
    Check(id="daemon.state", title="State directory", look=_state, needs=("config.file",)),
    Check(id="daemon.ready", title="Takes tasks", look=_ready, needs=("config.file",)),
    Check(id="daemon.second", title="Another kojid", look=_second, needs=("config.file",)),
    Check(id="daemon.leftovers", title="Leftovers", look=_leftovers, needs=("engine.version",), seconds=60),
)
