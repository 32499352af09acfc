"""`testbed demo`: up, build, show, down. What it shows is read from the hub and the journal, not remembered."""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.config import load_config
from koji_adjutant.journal.reader import read_journal
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import admin_session, koji_command
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.demo.costs import Memory, watched
from koji_adjutant.testbed.demo.createrepo_cost import bare_seconds
from koji_adjutant.testbed.demo.report import say
from koji_adjutant.testbed.demo.timeline import timeline
from koji_adjutant.testbed.description import Description
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.lifecycle import Options, TestbedFailed, bring_down, bring_up
from koji_adjutant.testbed.tasks import Task, newest_task, task_output, tasks_after
from koji_adjutant.testbed.waiting import IdleBuilderCheck

PACKAGE = "hello"
IMAGE_SECONDS = 120.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A client's command and the tasks it led to."""

    tasks: tuple[Task, ...]
    memory: Memory

    def task(self, method: str) -> Task:
        return next(task for task in self.tasks if task.method == method)


def run(layout: Layout, options: Options) -> int:
    """Run the demo; its exit code."""
    say(f"A Koji on this machine, in {layout.directory}")
    description = bring_up(layout, options, say)
    try:
        admin = admin_session(layout, description.server)
        show(layout, description, admin)
        admin.logout()
    finally:
        bring_down(layout, say)
    return 0


def show(layout: Layout, description: Description, admin: Any) -> None:
    srpm = description.srpms[PACKAGE]
    already = admin.getBuild(_nvr(srpm))
    cold = client(layout, admin, "build", "--wait", *(["--scratch"] if already else []), TARGET, srpm)
    _say_timeline(layout, cold)
    _say_buildroot(admin, cold)
    _say_rpms(description, cold, srpm, scratch=bool(already))
    _say_logs(layout, description, cold)
    _wait_for_images(layout)
    warm = client(layout, admin, "build", "--wait", "--scratch", TARGET, srpm)
    regen = client(layout, admin, "regen-repo", "--make-task", "--wait", BUILD_TAG)
    _say_repo(admin, description)
    _say_cost(description, cold, warm, regen)


def client(layout: Layout, admin: Any, *arguments: str) -> Shown:
    """Run the unmodified client, show what it prints, wait for it."""
    say(f"\n$ koji {' '.join(arguments)}")
    newest = newest_task(admin)
    daemon = services.recorded(layout.record(builder.DAEMON))
    if daemon is None:
        raise TestbedFailed("the daemon is not running", hint=f"see {layout.logs}")
    with watched(daemon) as memory:
        status = _run(koji_command(layout, *arguments), IdleBuilderCheck(admin, layout))
    if status:
        raise TestbedFailed(f"koji {arguments[0]} ended with {status}")
    return Shown(tasks=tasks_after(admin, newest), memory=memory)


def _run(argv: Sequence[str], is_hopeless: Callable[[], None]) -> int:
    """The exit code of a command that waits for tasks, as long as these can begin."""
    with subprocess.Popen(argv) as running:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return running.wait(LOOK_SECONDS)
                is_hopeless()
        finally:
            running.terminate()


def _nvr(srpm: str) -> str:
    return Path(srpm).name.removesuffix(".src.rpm")


def _say_timeline(layout: Layout, shown: Shown) -> None:
    say("\nWhat happened, by the daemon's journal:")
    for line in timeline(read_journal(layout.journal), shown.tasks):
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


def _say_logs(layout: Layout, description: Description, shown: Shown) -> None:
    top, task = Path(description.topdir), shown.task("buildArch").id
    say("\nLogs of the build:")
    say(f"  as they came       {top / 'logs' / str(task) / 'container.log'}")
    say(f"  at the hub         {task_output(top, task)}")
    say(f"  the daemon's own   {builder.log_of(layout)}, journal {layout.journal}")


def _wait_for_images(layout: Layout) -> None:
    """No build waits for the images of its buildroots; this demo does, to show what they are good for."""
    config = load_config(layout.kojid_conf)
    began = time.monotonic()
    while any(pending_requests(config)):
        if time.monotonic() - began > IMAGE_SECONDS:
            raise TestbedFailed(
                f"the buildroot images are not made after {IMAGE_SECONDS:.0f} s",
                hint=f"see {builder.log_of(layout)}",
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
    build = warm.task("build")
    waited = sum(task.waited for task in warm.tasks if task != build)
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
        (
            "build in all, warm",
            f"{build.seconds:.2f} s",
            f"its subtasks waited {waited:.2f} s for the hub's scheduler",
        ),
        ("createrepo", f"{createrepo.seconds:.2f} s", f"at most 1 s over the bare commands: {bare:.2f} s"),
    )
    say("\nWhat it cost:")
    for what, measured, limit in rows:
        say(f"  {what:<22} {measured:>8}  {limit}")
