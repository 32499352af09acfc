"""`testbed demo`: up, build, show, down. What it shows is read from the hub and the journal, not remembered."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.images import pending_requests
from koji_adjutant.config import load_config
from koji_adjutant.monitoring.journal import read_journal
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import admin_session, koji_command
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.costs import Memory, watched
from koji_adjutant.testbed.createrepo_cost import bare_seconds
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.place import Place
from koji_adjutant.testbed.report import say
from koji_adjutant.testbed.stand import Options, TestbedFailed, bring_down, bring_up
from koji_adjutant.testbed.tasks import Task, newest_task, task_output, tasks_after
from koji_adjutant.testbed.timeline import timeline

PACKAGE = "hello"
IMAGE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A client's command and the tasks it led to."""

    tasks: tuple[Task, ...]
    memory: Memory

    def task(self, method: str) -> Task:
        return next(task for task in self.tasks if task.method == method)


def run(place: Place, options: Options) -> int:
    """The exit code."""
    say(f"A Koji on this machine, in {place.directory}")
    description = bring_up(place, options, say)
    try:
        admin = admin_session(place, description.server)
        show(place, description, admin)
        admin.logout()
    finally:
        bring_down(place, say)
    return 0


def show(place: Place, description: Description, admin: Any) -> None:
    srpm = description.srpms[PACKAGE]
    already = admin.getBuild(_nvr(srpm))
    cold = client(place, admin, "build", "--wait", *(["--scratch"] if already else []), TARGET, srpm)
    _say_timeline(place, cold)
    _say_buildroot(admin, cold)
    _say_rpms(description, cold, srpm, scratch=bool(already))
    _say_logs(place, description, cold)
    _wait_for_images(place)
    warm = client(place, admin, "build", "--wait", "--scratch", TARGET, srpm)
    regen = client(place, admin, "regen-repo", "--make-task", "--wait", BUILD_TAG)
    _say_repo(admin, description)
    _say_cost(description, cold, warm, regen)


def client(place: Place, admin: Any, *arguments: str) -> Shown:
    """Run the unmodified client, show what it prints, wait for it."""
    say(f"\n$ koji {' '.join(arguments)}")
    newest = newest_task(admin)
    daemon = services.recorded(place.record(builder.DAEMON))
    if daemon is None:
        raise TestbedFailed("the daemon is not running", hint=f"see {place.logs}")
    with watched(daemon) as memory:
        done = subprocess.run(koji_command(place, *arguments), check=False)
    if done.returncode:
        raise TestbedFailed(f"koji {arguments[0]} ended with {done.returncode}")
    return Shown(tasks=tasks_after(admin, newest), memory=memory)


def _nvr(srpm: str) -> str:
    return Path(srpm).name.removesuffix(".src.rpm")


def _say_timeline(place: Place, shown: Shown) -> None:
    say("\nWhat happened, by the daemon's journal:")
    for line in timeline(read_journal(place.journal), shown.tasks):
        say(f"  {line}")


def _say_buildroot(admin: Any, shown: Shown) -> None:
    task = shown.task("buildArch")
    for buildroot in admin.listBuildroots(taskID=task.id):
        packages = admin.listRPMs(componentBuildrootID=buildroot["id"])
        say(f"\nBuildroot {buildroot['id']} of task {task.id}: {len(packages)} packages, as the hub has it")


def _say_rpms(description: Description, shown: Shown, srpm: str, *, scratch: bool) -> None:
    top = Path(description.topdir)
    name, version, release = _nvr(srpm).rsplit("-", 2)
    where = top / "scratch" if scratch else top / "packages" / name / version / release
    build = shown.task("build")
    found = where.rglob(f"task_{build.id}/**/*.rpm") if scratch else where.rglob("*.rpm")
    say("\nRPMs:")
    for path in sorted(found):
        say(f"  {path.stat().st_size:>9,} bytes  {path}")


def _say_logs(place: Place, description: Description, shown: Shown) -> None:
    top, task = Path(description.topdir), shown.task("buildArch").id
    say("\nLogs of the build:")
    say(f"  as they came       {top / 'logs' / str(task) / 'container.log'}")
    say(f"  at the hub         {task_output(top, task)}")
    say(f"  the daemon's own   {place.logs / builder.DAEMON}.log, journal {place.journal}")


def _wait_for_images(place: Place) -> None:
    """No build waits for the images of its buildroots; this demo does, to show what they are good for."""
    config = load_config(place.kojid_conf)
    began = time.monotonic()
    while any(pending_requests(config)):
        if time.monotonic() - began > IMAGE_SECONDS:
            raise TestbedFailed(
                f"the buildroot images are not made after {IMAGE_SECONDS:.0f} s",
                hint=f"see {place.logs / builder.DAEMON}.log",
            )
        time.sleep(0.1)
    say(f"\nImages of the buildroots for later builds were made {time.monotonic() - began:.1f} s later")


def _say_repo(admin: Any, description: Description) -> None:
    repo = admin.getRepo(BUILD_TAG)
    pkglist = Path(description.topdir) / "repos" / BUILD_TAG / str(repo["id"]) / description.arch / "pkglist"
    say(f"\nRepo {repo['id']} of {BUILD_TAG} has, beside the packages of the distribution:")
    for line in pkglist.read_text().splitlines():
        say(f"  {Path(line).name}")


def _say_cost(description: Description, cold: Shown, warm: Shown, regen: Shown) -> None:
    createrepo = regen.task("createrepo")
    bare = bare_seconds(task_output(Path(description.topdir), createrepo.id))
    rows = (
        ("main process, VmRSS", f"{max(cold.memory.main, warm.memory.main) / 1024:.0f} MB", "at most 70 MB"),
        ("task process, VmRSS", f"{max(cold.memory.task, warm.memory.task) / 1024:.0f} MB", "at most 60 MB"),
        ("buildArch, cold", f"{cold.task('buildArch').seconds:.2f} s", ""),
        (
            "buildArch, warm",
            f"{warm.task('buildArch').seconds:.2f} s",
            "at most 2.5 s (a kojid: 7.7 to 8.8 s)",
        ),
        ("createrepo", f"{createrepo.seconds:.2f} s", f"at most 1 s over the bare commands: {bare:.2f} s"),
    )
    say("\nWhat it cost:")
    for what, measured, limit in rows:
        say(f"  {what:<22} {measured:>8}  {limit}")
