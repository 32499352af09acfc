"""A host with a past, as files: a journal, state files and `public`, written as the daemon writes them.

`write_sample` makes the whole of it in a state directory: tasks that run, have ended in every way, were taken over,
with their containers, logs and figures; spells without readiness; restarts; another worker on the same engine. `Story`
is what it is told with: who needs another past tells another one. Times count backwards from `now`.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from koji_adjutant.host.files import replace_json
from koji_adjutant.journal.phases import GivenBack, HostEvent, Phase
from koji_adjutant.journal.state import (
    JOURNAL,
    MAIN,
    TASKS,
    TaskState,
    this_process,
    write_readiness,
    write_task,
)
from koji_adjutant.journal.use import Root
from tests.fakes.public_facts import Sample, write_public
from tests.fakes.story import (
    BASE_KEY,
    BUILD_ERROR,
    EARLIER_PID,
    FIRST_ERROR,
    LAST_LINES,
    TASK_IMAGE,
    TASK_IMAGE_DIGEST,
    WORKER,
    Story,
    container_id,
)

__all__ = ["Sample", "Story", "container_id", "write_sample"]


def write_sample(state_dir: Path, *, now: float | None = None) -> Sample:
    """A host that has worked for three hours and runs two builds."""
    story = Story(now=time.time() if now is None else now)
    sample = Sample(state_dir=state_dir, now=story.now)
    _host(story)
    _repo(story, sample)
    _builds(story, sample)
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / JOURNAL).write_bytes(story.lines())
    _state(sample)
    write_public(sample)
    return sample


def _host(story: Story) -> None:
    """Three daemons, one behind the other: one that crashed, one that was reloaded, the one that runs."""
    started: dict[str, Any] = {"version": "0.1.0", "worker": WORKER, "plugins_lost": ["runroot"]}
    story.record(10_800, HostEvent.DAEMON_STARTED, pid=EARLIER_PID, anew=False, **started)
    story.record(10_799, HostEvent.ENGINE_BACK, pid=EARLIER_PID, seconds=0.0)
    story.record(10_798, HostEvent.READY, pid=EARLIER_PID)
    space = "Insufficient disk space at /var/lib/containers/storage: 7801 MB, minspace 8192 MB"
    story.record(9000, HostEvent.NOT_READY, pid=EARLIER_PID, obstacle="space", reason=space)
    story.record(
        8990, HostEvent.IMAGE_REMOVED, pid=EARLIER_PID + 9, key="ab" * 32, reason="size", bytes=400 << 20
    )
    story.record(8400, HostEvent.READY, pid=EARLIER_PID)
    lost = "HTTPSConnectionPool(host='koji.example.org', port=443): Connection refused"
    story.record(7200, HostEvent.HUB_LOST, pid=EARLIER_PID, reason=lost, login=False)
    story.record(7080, HostEvent.HUB_BACK, pid=EARLIER_PID, seconds=120.0)
    # It crashed: nothing says that it has stopped.
    story.record(5400, HostEvent.DAEMON_STARTED, anew=False, **started)
    story.record(5399, HostEvent.SWEEP_ENDED, removed={"containers": 0, "workdirs": 1})
    story.record(5398, HostEvent.READY)
    engine = "podman does not answer: cannot reach the engine at /run/podman/podman.sock"
    story.record(4000, HostEvent.ENGINE_LOST, reason=engine)
    story.record(3999, HostEvent.NOT_READY, obstacle="engine", reason=engine)
    story.record(3950, HostEvent.ENGINE_BACK, seconds=50.0)
    story.record(3949, HostEvent.READY)
    story.record(700, HostEvent.RELOAD_ASKED)
    story.record(
        699, HostEvent.RELOAD_REFUSED, reason="/etc/kojid/kojid.conf: option maxjobs: many is no number"
    )
    story.record(602, HostEvent.RELOAD_ASKED)
    story.record(601, HostEvent.DAEMON_STOPPED, why="reload")
    story.record(600, HostEvent.DAEMON_STARTED, anew=True, **started)
    story.record(598, HostEvent.READY)
    for minutes in range(1, 10):
        story.record(
            minutes * 60.0,
            HostEvent.REQUESTS,
            hub={"multiCall": [12, 0, 0.31], "host.openTask": [1, 0, 0.02], "getTaskInfo": [2, 1, 0.05]},
            hub_retries=1,
            engine={"container-list": [1, 0, 0.01], "ping": [2, 0, 0.004]},
        )
    story.record(5000, HostEvent.IMAGE_BEGUN, pid=4190, key=BASE_KEY, tag="dist-build", kind="base")
    story.record(
        4980, Phase.IMAGE_MADE, pid=4190, key=BASE_KEY, tag="dist-build", repo=77, kind="base", seconds=19.7
    )
    story.record(
        2000,
        HostEvent.IMAGE_FAILED,
        pid=4192,
        key="cd" * 32,
        reason="it has a socket",
        again_after_seconds=86400,
    )


def _repo(story: Story, sample: Sample) -> None:
    story.opened(sample.new_repo, "newRepo", 10_000, label="dist-build")
    story.opened(sample.createrepo, "createrepo", 9998, label="dist-build, x86_64", parent=sample.new_repo)
    story.record(
        9997,
        Phase.IMAGE_READY,
        task=sample.createrepo,
        pid=10_102,
        image=TASK_IMAGE,
        digest=TASK_IMAGE_DIGEST,
    )
    story.tool(sample.createrepo, 9996, "/usr/bin/createrepo_c", seconds=6.0)
    story.record(9989, Phase.FIRST_LOG_UPLOADED, task=sample.createrepo, pid=10_102, log="createrepo.log")
    story.tool(sample.createrepo, 9988, "/usr/bin/mergerepo_c", seconds=2.0)
    story.record(9985, Phase.UPLOADED, task=sample.createrepo, pid=10_102, files=11)
    story.ended(sample.createrepo, 9984.5, Phase.CLOSED)
    story.record(9984, Phase.REPO_READY, task=sample.new_repo, pid=10_101, repo=77, tag="dist-build")
    story.ended(sample.new_repo, 9983.9, Phase.CLOSED)


def _builds(story: Story, sample: Sample) -> None:
    _closed(story, sample)
    _failed(story, sample)
    story.opened(221, "build", 305, label="dist, kernel-6.12-3.src.rpm")
    story.build_arch(
        sample.running,
        300,
        label="kernel-6.12-3.src.rpm, x86_64",
        parent=221,
        root=Root.DEPS_HIT,
        is_running=True,
    )
    # Taken over twice: it began under the daemon before the reload.
    story.build_arch(
        sample.adopted, 2400, label="gcc-14.2-1.src.rpm, x86_64", root=Root.POPULATED, is_running=True
    )
    story.record(600, Phase.ADOPTED, task=sample.adopted, method="buildArch")
    story.build_arch(sample.canceled, 1500, label="glibc-2.40-1.src.rpm, x86_64", is_running=True)
    story.record(1400, Phase.CANCELED, task=sample.canceled, why="canceled on the hub")
    story.record(1399, Phase.SWEPT, task=sample.canceled, container=container_id(sample.canceled, "build"))
    story.record(
        1200,
        Phase.REFUSED,
        task=sample.refused,
        reason=GivenBack.PLUGIN.value,
        why="plugin runroot is not loaded",
        soft=True,
    )
    story.record(1150, HostEvent.TASK_NOT_TAKEN, task=sample.not_taken, method="buildArch")
    story.opened(sample.freed, "buildArch", 4010, label="zlib-1.3-2.src.rpm, x86_64")
    story.ended(
        sample.freed,
        3999.5,
        Phase.FREED,
        reason=GivenBack.ENGINE.value,
        why="cannot reach the engine at /run/podman/podman.sock",
        engine_failed=True,
    )


def _closed(story: Story, sample: Sample) -> None:
    story.opened(sample.closed_parent, "build", 5300, label="dist, hello-1.0-1.src.rpm")
    pid = story.opened(
        sample.source, "rebuildSRPM", 5298, label="hello-1.0-1.src.rpm", parent=sample.closed_parent
    )
    begun = story.root(sample.source, 5297, Root.POPULATED, packages=133)
    story.record(begun - 0.2, Phase.RPMBUILD_STARTED, task=sample.source, pid=pid, command="rpmbuild-bs")
    story.record(begun - 0.4, Phase.UPLOADED, task=sample.source, pid=pid, files=1)
    story.record(
        begun - 2,
        Phase.CONTAINER_REMOVED,
        task=sample.source,
        container=container_id(sample.source, "build"),
        pid=pid,
    )
    story.ended(sample.source, begun - 2.1, Phase.CLOSED)
    story.build_arch(sample.closed, 5270, parent=sample.closed_parent)
    story.record(5208, Phase.UPLOADED, task=sample.closed, pid=10_203, files=4)
    story.ended(sample.closed, 5207, Phase.CLOSED, results=["hello-1.0-1.src.rpm", "hello-1.0-1.x86_64.rpm"])
    story.opened(204, "tagBuild", 5205, label="dist, hello-1.0-1", parent=sample.closed_parent)
    story.record(5204, Phase.TAGGED, task=204, pid=10_204, tag=3, build=42)
    story.ended(204, 5203, Phase.CLOSED)
    story.ended(sample.closed_parent, 5202, Phase.CLOSED)


def _failed(story: Story, sample: Sample) -> None:
    story.opened(sample.failed_parent, "build", 3000, label="dist, broken-1.0-1.src.rpm")
    story.build_arch(
        sample.failed,
        2990,
        seconds=20.0,
        label="broken-1.0-1.src.rpm, x86_64",
        parent=sample.failed_parent,
        root=Root.POPULATED,
    )
    story.ended(
        sample.failed,
        2955,
        Phase.FAILED,
        fault=1005,
        error=BUILD_ERROR,
        log="build.log",
        first_error_line=FIRST_ERROR,
        last_lines=list(LAST_LINES),
    )
    story.ended(sample.failed_parent, 2954, Phase.FAILED, fault=1005, error=BUILD_ERROR)


def _state(sample: Sample) -> None:
    """The state files, of which the process that calls is the writer: so it lives."""
    (sample.state_dir / TASKS).mkdir(exist_ok=True)
    replace_json(sample.state_dir / MAIN, asdict(this_process()))
    (sample.state_dir / "worker").write_text(WORKER)
    write_readiness(sample.state_dir, None)
    for task in (sample.running, sample.adopted):
        state = TaskState(
            task=task,
            method="buildArch",
            workdir=f"/var/lib/koji-adjutant/work/tasks/{task}",
            phase=Phase.RPMBUILD_STARTED.value,
            containers=(container_id(task, "build"),),
            session=900 + task,
            **asdict(this_process()),
        )
        write_task(sample.state_dir, state)
