"""A fault run: builds all the time, faults on a seeded schedule, and at the end the account of it.

The last fault of a run kills all of the daemon while builds run. A census before the next start has to find what
that leaves, or the one at the end would prove nothing.
"""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from koji_adjutant.testbed.lifecycle import Say
from tests.faults import leftovers
from tests.faults.fault_testbed import FaultTestbed, NoTarget, fault_testbed
from tests.faults.faults import KINDS, Scene, buildroot_images
from tests.faults.leftovers import Found
from tests.faults.packages import HELLO
from tests.faults.processes import of_daemon
from tests.faults.schedule import Schedule
from tests.faults.verdict import lost
from tests.faults.workload import Workload

STEP = 0.1
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 240.0
QUIET_SECONDS = 60.0
"""An image that is being made is finished, or given up."""
STOPPED_SECONDS = 15.0
"""conmons of commands end a little later than what they have watched."""
WARM_SECONDS = 300.0
TARGET_SECONDS = 120.0
MORE_SECONDS = 60.0
"""How much longer than asked for a run may be, for kinds of faults that had no target until then."""
MUST_BE_SEEN = (
    leftovers.CONTAINERS,
    leftovers.MOUNTS,
    leftovers.PROCESSES,
    leftovers.DIRECTORIES,
    leftovers.BUILDROOTS,
    leftovers.SESSIONS,
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """What happened in a run."""

    seed: int
    jobs: Counter[str]
    ends: Counter[str]
    faults: Counter[str]
    restarts: tuple[str, ...]
    """Last words of daemons that have ended by themselves."""
    unswept: Found
    """What a census finds where nobody sweeps."""
    lost: tuple[str, ...]
    left: tuple[str, ...]
    shortcomings: tuple[str, ...]
    """What is wrong with the run itself, so that it shows less than it should."""

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.left or self.shortcomings)


def run(directory: Path, *, minutes: float, seed: int, say: Say, keep: Path | None = None) -> Account:
    """A fault run on a testbed below `directory`; its logs stay in `keep`."""
    with fault_testbed(directory, say, keep) as own:
        rng = Random(seed)
        workload = Workload(
            session=own.session,
            topdir=own.topdir,
            scratch_space=directory,
            rng=Random(rng.random()),
        )
        scene = Scene(testbed=own, workload=workload, rng=Random(rng.random()))
        seconds = 60.0 * minutes
        schedule = Schedule(kinds=KINDS, scene=scene, rng=Random(rng.random()), say=say, seconds=seconds)
        _warm_up(scene)
        _harm(scene, schedule, seconds)
        unswept = _kill_everything(scene, schedule)
        _settle(scene, say)
        left = _left(own, say)
        missing = [name for name in MUST_BE_SEEN if not unswept[name]]
        shortcomings = [f"the census did not see any {name}" for name in missing]
        shortcomings += schedule.shortcomings()
        if 2 * workload.builds() < len(workload.jobs):
            shortcomings.append(f"{workload.builds()} of {len(workload.jobs)} tasks are builds")
        return Account(
            seed=seed,
            jobs=workload.counts(),
            ends=Counter(job.state for job in workload.jobs),
            faults=schedule.done,
            restarts=tuple(own.ended_by_itself()),
            unswept=unswept,
            lost=(*lost(own, workload.jobs), *(f"the daemon: {words}" for words in own.given_up())),
            left=tuple(left),
            shortcomings=tuple(shortcomings),
        )


def _warm_up(scene: Scene) -> None:
    """One build, and the image of its buildroot: something to be hit from the first minute on."""
    deadline = time.monotonic() + WARM_SECONDS
    scene.workload.submit(HELLO)
    while time.monotonic() < deadline and (list(scene.workload.under_way()) or not _has_image(scene)):
        scene.workload.look()
        time.sleep(LOOK_SECONDS)


def _has_image(scene: Scene) -> bool:
    try:
        return bool(buildroot_images(scene, whole=True))
    except NoTarget:
        return False


def _harm(scene: Scene, schedule: Schedule, seconds: float) -> None:
    end = time.monotonic() + seconds
    try:
        while (now := time.monotonic()) < end or (schedule.missing() and now < end + MORE_SECONDS):
            _pass(scene, schedule)
    finally:
        schedule.finish()


def _pass(scene: Scene, schedule: Schedule) -> None:
    """One turn of all actors: faults, the service manager, and the users who want things built."""
    schedule.work()
    scene.testbed.look_after_engine()
    scene.testbed.look_after_daemon()
    if not scene.testbed.is_hub_away:
        scene.workload.keep_up()
    time.sleep(STEP)


def _kill_everything(scene: Scene, schedule: Schedule) -> Found:
    """SIGKILL to all processes of the daemon while a container builds; what is found before the next start."""
    own = scene.testbed
    deadline = time.monotonic() + TARGET_SECONDS
    while True:
        while not _is_building(own) and time.monotonic() < deadline:
            own.look_after_daemon()
            scene.workload.keep_up()
            time.sleep(STEP)
        with own.daemon_held_down():
            while running := of_daemon(own.layout.kojid_conf):
                for seen in running:
                    seen.kill()
            schedule.done["everything killed"] += 1
            found = leftovers.census(own)
        own.look_after_daemon()
        if all(found[name] for name in MUST_BE_SEEN) or time.monotonic() > deadline:
            return found


def _is_building(own: FaultTestbed) -> bool:
    """Whether a task of this daemon, not what an earlier one has left, is in the middle of a build."""
    if not own.task_processes() or not any(leftovers.buildroots(own)):
        return False
    try:
        return bool(own.podman("ps", "--quiet", "--filter", "label=io.koji.adjutant.role=build").split())
    except NoTarget:
        return False


def _settle(scene: Scene, say: Say) -> None:
    """Until all tasks have ended, or nobody believes in it any more."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while list(scene.workload.under_way()) and time.monotonic() < deadline:
        scene.testbed.look_after_engine()
        scene.testbed.look_after_daemon()
        scene.workload.look()
        time.sleep(LOOK_SECONDS)
    say(f"{len(list(scene.workload.under_way()))} tasks have not ended")


def _left(own: FaultTestbed, say: Say) -> list[str]:
    """What is left with a daemon at rest, and then without one."""
    found = leftovers.census_when_quiet(own, QUIET_SECONDS)
    if any(found.values()):
        say("not quiet: " + "; ".join(leftovers.lines(found)))
        began = time.time()
        own.stop_daemon()
        own.start_daemon()
        own.is_daemon_ready(since=began)
        found = leftovers.census_when_quiet(own, QUIET_SECONDS)
    running = leftovers.lines(found)
    own.stop_daemon()
    stopped = leftovers.lines(leftovers.census_when_quiet(own, STOPPED_SECONDS))
    return list(dict.fromkeys((*running, *stopped)))
