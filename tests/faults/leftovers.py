"""What is left behind, as an outsider finds it: podman's command, /proc, the mount table, files, the hub's database.

Nothing here is shared with what cleans up: no label, no state file and no manager of the daemon's says what is ours.
Everything below the testbed's directory is, and on a quiet testbed none of it should be.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.hub_process import HUB
from tests.faults.fault_testbed import FaultTestbed, NoTarget
from tests.faults.processes import belonging_to

CONTAINERS, IMAGES, MOUNTS, PROCESSES = "containers", "images without label", "mounts", "processes"
DIRECTORIES, BUILDROOTS, SESSIONS = "files", "hub buildroots", "hub sessions"
LABEL = "io.koji.adjutant."
STEP = 0.5
PODMAN_SECONDS = 30.0
EMPTY_IMAGE = "localhost/koji-adjutant-empty:2"
"""What every root begins with; one an engine, shared by all workers."""
HALF_MADE = re.compile(r"(\.|tmp|prewarm-|image-[0-9a-f]{12}-).*|.*\.(new|part|partial|tmp)")

Found = dict[str, list[str]]


def census(testbed: FaultTestbed) -> Found:
    """All that there is, by what it is."""
    parts: dict[str, Callable[[FaultTestbed], Iterator[str]]] = {
        CONTAINERS: containers,
        IMAGES: images,
        MOUNTS: mounts,
        PROCESSES: processes,
        DIRECTORIES: files,
        BUILDROOTS: buildroots,
        SESSIONS: sessions,
    }
    return {name: sorted(look(testbed)) for name, look in parts.items()}


def census_when_quiet(testbed: FaultTestbed, seconds: float) -> Found:
    """The census as soon as it is empty, else after `seconds`."""
    deadline = time.monotonic() + seconds
    while any((found := census(testbed)).values()) and time.monotonic() < deadline:
        time.sleep(STEP)
    return found


def lines(found: Found) -> list[str]:
    return [f"{name}: {line}" for name, what in found.items() for line in what]


def containers(testbed: FaultTestbed) -> Iterator[str]:
    for one in _podman_json(testbed, "ps", "--all", "--external"):
        yield f"{one['Id'][:12]} {one['State']} {one.get('Names')} {one.get('Labels')}"


def images(testbed: FaultTestbed) -> Iterator[str]:
    for one in _podman_json(testbed, "images", "--all"):
        labels = one.get("Labels") or {}
        is_shared = {testbed.description.task_image, EMPTY_IMAGE} & set(one.get("Names") or [])
        if not is_shared and not any(name.startswith(LABEL) for name in labels):
            yield f"{one['Id'][:12]} {one.get('Names')} {labels} made {one.get('Created')}"


def mounts(testbed: FaultTestbed) -> Iterator[str]:
    engine = testbed.layout.engine
    own = {str(point) for point in (engine, engine / "storage" / "overlay", testbed.layout.builder)}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point.startswith(f"{testbed.layout.directory}/") and point not in own:
            yield point


def processes(testbed: FaultTestbed) -> Iterator[str]:
    """All but the services of the testbed."""
    records = (services.recorded(testbed.layout.record(name)) for name in (HUB, builder.DAEMON))
    known = {record.pid for record in records if record is not None}
    engine = testbed.engine.service()
    known |= {engine.pid} if engine is not None else set()
    return (str(seen) for seen in belonging_to(testbed.layout.directory) if seen.pid not in known)


def files(testbed: FaultTestbed) -> Iterator[str]:
    """Work directories and state of tasks, and whatever was never finished.

    Not what an engine that was killed has left among its own temporary files: a builder may not even see them.
    """
    yield from (str(path) for path in _below(testbed.workdir) if path.is_dir() is False)
    yield from (str(path) for path in testbed.workdir.glob("tasks/*/*"))
    yield from (str(path) for path in testbed.layout.state_dir.glob("tasks/*"))
    yield from (str(path) for path in testbed.layout.state_dir.glob("**/partial/*"))
    # All that is written beside its place is below: the state, and the cache in all of its directories.
    for path in _below(testbed.layout.state_dir):
        if HALF_MADE.fullmatch(path.name):
            yield str(path)


def buildroots(testbed: FaultTestbed) -> Iterator[str]:
    expired = koji.BR_STATES["EXPIRED"]
    asked = "SELECT id, task_id, state FROM buildroot WHERE state != :expired"
    for number, task, state in testbed.rows(asked, {"expired": expired}):
        yield f"buildroot {number} of task {task} is {koji.BR_STATES[state]}"


def sessions(testbed: FaultTestbed) -> Iterator[str]:
    """All but one main session, where a daemon runs."""
    found = testbed.sessions()
    if services.recorded(testbed.layout.record(builder.DAEMON)) is not None:
        newest = max((number for number, is_main in found if is_main), default=None)
        found = [(number, is_main) for number, is_main in found if number != newest]
    return (f"session {number} ({'main' if is_main else 'of a task'})" for number, is_main in found)


def _podman_json(testbed: FaultTestbed, *arguments: str) -> list[dict[str, Any]]:
    attempts = 3
    while True:
        attempts -= 1
        try:
            said = testbed.podman(*arguments, "--no-trunc", "--format", "json", timeout=PODMAN_SECONDS)
        except NoTarget:
            # A container has gone while podman looked at it.
            if not attempts:
                raise
            time.sleep(STEP)
        else:
            found: list[dict[str, Any]] = json.loads(said) or []
            return found


def _below(directory: Path) -> Iterator[Path]:
    for top, directories, names in os.walk(directory):
        for name in (*directories, *names):
            yield Path(top) / name
