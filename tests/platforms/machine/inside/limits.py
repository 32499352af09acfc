"""The limits of builds under control groups of version 2, of a service of systemd's. Run on the machine, by pytest."""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from koji_adjutant.container.labels import ROLE, Role
from tests.integration.packages import source_package
from tests.integration.test_limits import LIMITED, WANTS_MORE, make_limited_target
from tests.pace import slowness
from tests.platforms.machine.inside.host import SLEEP, SLOW, Host, containers, processes, run, say
from tests.platforms.machine.inside.installed import installed_host
from tests.waiting import eventually

GROUPS = Path("/sys/fs/cgroup")
DEAD_SECONDS = 4.0
"""The daemon polls every second; and from the sign to the last process it may take two."""
STUBBORN = """\
trap '' TERM INT HUP QUIT
for i in $(seq 100); do (setsid sh -c "trap '' TERM INT HUP QUIT; while :; do sleep 86399; done" &); done
sleep 86399
"""


IN_MODIFY = 2


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    assert (GROUPS / "cgroup.controllers").exists()
    found = installed_host()
    make_limited_target(found.admin, found.description.arch)
    found.closed(found.admin.newRepo(LIMITED))
    yield found
    found.leave()
    assert not containers()


def limited(host: Host, directory: Path, name: str, script: str) -> int:
    return host.build(source_package(directory, name, head="BuildArch: noarch", build=script), target=LIMITED)


def build_group() -> Path:
    """The control group of the build container that is there."""
    found = run("podman", "ps", "--quiet", f"--filter=label={ROLE}={Role.BUILD}").stdout.split()
    (container,) = found
    path = run("podman", "inspect", "--format={{.State.CgroupPath}}", container).stdout.strip()
    return GROUPS / path.lstrip("/")


@contextmanager
def writes_to(files: Iterator[Path]) -> Iterator[Callable[[], bool]]:
    """Whether somebody writes to one of the files meanwhile (inotify(7), which files of control groups have, too)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    watched = [libc.inotify_add_watch(watch, os.fsencode(file), IN_MODIFY) for file in files]
    assert watched
    assert min(watched) > 0, os.strerror(ctypes.get_errno())
    seen = bytearray()

    def was_written() -> bool:
        with suppress(BlockingIOError):
            seen.extend(os.read(watch, 4096))
        # Files that go are told of, too; a struct inotify_event has its mask behind four bytes.
        events = [seen[start : start + 16] for start in range(0, len(seen), 16)]
        return any(int.from_bytes(event[4:8], "little") & IN_MODIFY for event in events)

    try:
        yield was_written
    finally:
        os.close(watch)


def test_a_build_has_what_its_tag_allows(host: Host, tmp_path: Path) -> None:
    task = limited(
        host, tmp_path, "lasting", "i=0; while ((i < 300000)); do ((i++)); done & sleep 86399 || true; wait"
    )
    host.rpmbuild()
    group = build_group()
    found = {name: (group / name).read_text().strip() for name in ("memory.max", "cpu.max", "pids.max")}
    assert found == {"memory.max": str(1200 << 20), "cpu.max": "100000 100000", "pids.max": "300"}
    host.let_go()
    host.closed(task)


@pytest.mark.parametrize(("name", "script", "said"), WANTS_MORE, ids=[one[0] for one in WANTS_MORE])
def test_a_build_that_wants_more_is_told_what_to_raise(
    host: Host, tmp_path: Path, name: str, script: str, said: str
) -> None:
    # Processes that are to be there at once have to last as long as it takes to start them all.
    patient = script.replace("sleep 3 &", f"sleep {3 * slowness():.0f} &")
    assert said in host.fault(limited(host, tmp_path, name, patient), "buildArch")


def test_nothing_of_a_canceled_build_runs_on(host: Host, tmp_path: Path) -> None:
    """A hundred and more processes, in sessions of their own, that no signal but SIGKILL ends."""
    now = slowness()
    task = limited(host, tmp_path, "stubborn", STUBBORN)
    eventually(lambda: len(list(processes(SLEEP))) > 100, "all of them are there", seconds=SLOW, step=0.5)
    group = build_group()
    with writes_to(group.rglob("cgroup.kill")) as was_killed:
        host.admin.cancelTask(task)
        began = time.monotonic()
        eventually(lambda: not any(processes(SLEEP)), "none of them is there", seconds=SLOW)
        took = time.monotonic() - began
        say(f"from cancel to the end of the last process: {took:.1f} s, on a machine {now:.1f} times as slow")
        say(f"written to cgroup.kill: {was_killed()}")
    assert took < DEAD_SECONDS * now
    eventually(lambda: not containers(), "its containers are gone", seconds=SLOW)
    assert not group.exists()
    states = host.states(task)
    assert (states["build"], states["buildArch"]) == ("CANCELED", "CANCELED")
