"""The files of `public` of a host with a past (tests.fakes.journals), as the daemon writes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.journal import public
from koji_adjutant.journal.state import this_process
from tests.fakes.story import BASE_KEY, LAST_LINES, OTHER_WORKER, REQUIRES_KEY, WORKER, container_id

HOST = "builder-01.example.org"
HUB = "https://koji.example.org/kojihub"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What `write_sample` has written, by what became of it."""

    state_dir: Path
    now: float
    running: int = 223
    adopted: int = 233
    """Runs, too."""
    closed: int = 203
    closed_parent: int = 201
    source: int = 202
    failed: int = 213
    failed_parent: int = 211
    canceled: int = 243
    refused: int = 251
    not_taken: int = 252
    freed: int = 261
    new_repo: int = 101
    createrepo: int = 102

    @property
    def tasks(self) -> tuple[int, ...]:
        """Those that have facts."""
        return (101, 102, 201, 202, 203, 211, 213, 223, 233, 243, 261)


def write_public(sample: Sample) -> None:
    """All of them."""
    directory = public.public_directory(sample.state_dir)
    for each in (directory, directory / public.TASKS, directory / public.LOGS):
        each.mkdir(mode=public.DIRECTORY_MODE, exist_ok=True)
    public.write_facts(directory / public.MONITORING, public.MonitoringFacts(bind="127.0.0.1:0"))
    public.write_facts(directory / public.HOST, host_facts(sample.now))
    for task in sample.tasks:
        public.write_facts(public.task_facts_file(sample.state_dir, task), task_facts(sample, task))
        for name, content in task_logs(sample, task).items():
            place = public.logs_directory(sample.state_dir, task)
            place.mkdir(mode=public.DIRECTORY_MODE, exist_ok=True)
            (place / name).write_bytes(content)
            (place / name).chmod(public.FILE_MODE)
    public.write_facts(directory / public.CONTAINERS, containers(sample))
    public.write_facts(directory / public.IMAGES, images(sample.now))


def host_facts(now: float, **other: Any) -> public.HostFacts:
    """The host as its main process shows it; `other` fields are another host's."""
    known: dict[str, Any] = {
        "writer": this_process(),
        "time": now,
        "started": now - 600,
        "version": "0.1.0",
        "name": HOST,
        "hub": HUB,
        "worker": WORKER,
        "ready": True,
        "since": now - 598,
        "last_poll": now - 2,
        "arches": ("x86_64", "i686"),
        "channels": ("default", "createrepo"),
        "capacity": 4.0,
        "task_load": 3.0,
        "maxjobs": 10,
        "engine_version": "5.4.2",
        "disks": (
            public.DiskFacts(
                area="storage", path="/var/lib/containers/storage", free_bytes=90 << 30, limit_bytes=8 << 30
            ),
            public.DiskFacts(
                area="workdir", path="/var/lib/koji-adjutant/work", free_bytes=90 << 30, limit_bytes=64 << 20
            ),
            public.DiskFacts(area="topdir", path="/mnt/koji"),
        ),
        "credentials": (
            public.CredentialFacts(kind="certificate", expires=now + 20 * 86400),
            public.CredentialFacts(kind="ca", expires=now + 2000 * 86400),
        ),
        "plugins_failed": (
            public.PluginFacts(name="runroot", why="No module named 'mockbuild'", methods=("runroot",)),
        ),
        "methods": ("build", "buildArch", "createrepo", "newRepo", "rebuildSRPM", "tagBuild"),
    }
    return public.HostFacts(**{**known, **other})


def task_facts(sample: Sample, task: int) -> public.TaskFacts:
    """What is known of a task of the sample."""
    opened = {101: 10_000, 102: 9998, 201: 5300, 202: 5298, 203: 5270, 211: 3000, 213: 2990}
    opened |= {223: 300, 233: 2400, 243: 1500, 261: 4010}
    methods = {101: "newRepo", 102: "createrepo", 201: "build", 202: "rebuildSRPM", 211: "build"}
    packages = {201: "hello", 202: "hello", 203: "hello", 211: "broken", 213: "broken"}
    packages |= {223: "kernel", 233: "gcc", 243: "glibc", 261: "zlib"}
    parents = {102: 101, 202: 201, 203: 201, 213: 211, 223: 221}
    package = packages.get(task, "")
    return public.TaskFacts(
        task=task,
        method=methods.get(task, "buildArch"),
        label=f"{package}-1.0-1.src.rpm, x86_64" if package else "dist-build",
        package=package,
        arch="x86_64",
        tag="dist-build",
        parent=parents.get(task),
        owner="alice",
        created=sample.now - opened[task] - 4.0,
        average_seconds={223: 1800.0, 203: 61.0}.get(task),
        link=f"https://koji.example.org/koji/taskinfo?taskID={task}",
        logs=tuple(task_logs(sample, task)),
    )


def task_logs(sample: Sample, task: int) -> dict[str, bytes]:
    """The logs of a task of the sample."""
    head = b"".join(b"make[1]: step %d\n" % number for number in range(400))
    failed = "\n".join(LAST_LINES).encode() + b"\n"
    known: dict[int, dict[str, bytes]] = {
        sample.failed: {"build.log": head + failed, "root.log": b"Install bash-5.2-1.x86_64\n"},
        sample.closed: {"build.log": head, "root.log": b"Install bash-5.2-1.x86_64\n"},
        sample.running: {"build.log": head, "state.log": b"2026-11-29 12:00:00,000 - Start: rpmbuild-bb\n"},
        sample.adopted: {"build.log": head},
        sample.createrepo: {"createrepo.log": b"$ /usr/bin/createrepo_c\n"},
    }
    return known.get(task, {})


def containers(sample: Sample) -> public.Containers:
    """What runs on the engine: two builds of this worker, and a build and an installer of another."""
    mine = (
        _container(sample, sample.running, "build", 295.0, WORKER),
        _container(sample, sample.adopted, "build", 2390.0, WORKER),
    )
    others = (
        _container(sample, 9001, "build", 120.0, OTHER_WORKER),
        _container(sample, 9001, "installer", 100.0, OTHER_WORKER),
    )
    return public.Containers(time=sample.now - 5, containers=(*mine, *others))


def _container(sample: Sample, task: int, role: str, ago: float, worker: str) -> public.ContainerFacts:
    prefix = "io.koji.adjutant."
    return public.ContainerFacts(
        id=container_id(task, role),
        name=f"adjutant-{worker}-{container_id('name', task, role)[:12]}",
        role=role,
        worker=worker,
        task=task,
        image="localhost/koji-adjutant-buildroot:" + BASE_KEY[:32],
        state="running",
        created=sample.now - ago,
        labels={f"{prefix}worker": worker, f"{prefix}role": role, f"{prefix}task-id": str(task)},
    )


def images(now: float) -> public.Images:
    """The buildroot images of the host."""
    return public.Images(
        time=now - 30,
        limit_bytes=50 << 30,
        images=(
            public.ImageFacts(
                key=BASE_KEY,
                kind="base",
                tag="dist-build",
                arch="x86_64",
                group="build",
                bytes=420 << 20,
                created=now - 4980,
                last_used=now - 300,
                uses=31,
            ),
            public.ImageFacts(
                key=REQUIRES_KEY,
                kind="requires",
                tag="dist-build",
                arch="x86_64",
                group="build",
                bytes=61 << 20,
                created=now - 3000,
                last_used=now - 300,
                uses=4,
            ),
        ),
    )
