"""One buildArch task with everything around it, on an engine in memory whose roots have packages.

Each container has a root: that of its image, or an empty one; the installer adds what it was given to the root that
it sees, PID 1 and `rpm -qa` list it. The solver knows one install group and a package for each requirement.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

from koji_adjutant.buildroot.images import keys, requests
from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.drivers import COMMAND
from koji_adjutant.buildroot.install.installer import SCRIPT as INSTALL_SCRIPT
from koji_adjutant.buildroot.install.repo_metadata import read_metadata
from koji_adjutant.buildroot.install.solutions import PackageStore, Solution, SolvedPackage
from koji_adjutant.buildroot.install.solver import Solver
from koji_adjutant.buildroot.record import BuildrootRecord, PackageLists, read_origins
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.task_containers import TaskContainers
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ImageInfo
from koji_adjutant.handlers.build.buildarch import request_image_for_scratch
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.policy.containers import TaskLimits
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildarch import BuildArchAdapter
from koji_adjutant.task_adapters.buildroot_adapter import IDLE_SCRIPT, Workplace
from koji_adjutant.task_adapters.rpmbuild import TEXTS, TURN
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager
from tests.unit.buildroot.fake_repo import answer, asked, package_row
from tests.unit.logs.hub_files import HubFiles

BASE = ("bash-5-1.x86_64",)
ZLIB, FLEX = "zlib-1-1.x86_64", "flex-2-1.x86_64"
PROVIDERS = {"zlib": ZLIB, "flex": FLEX}
IDLE = ("/bin/bash", "-c", IDLE_SCRIPT.read_text())
SOLVER = COMMAND
INSTALLER = ("/bin/bash", "-c", INSTALL_SCRIPT.read_text())
RPM_QA = ("rpm", "-qa")
EXPIRED = ("setBuildRootState", "EXPIRED")
STATES = [
    ("newBuildRoot", 7, "x86_64", {"task_id": 5}),
    ("setBuildRootList", ["bash"]),
    ("setBuildRootState", "BUILDING"),
]


def script_of(action: str) -> tuple[str, ...]:
    """How the command begins that runs the script of an action."""
    return ("/bin/bash", "-c", TEXTS[action], f"{action}.sh")


class Host:
    """The hub's host calls, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def newBuildRoot(self, *args: Any, **kwargs: Any) -> int:  # noqa: N802 - the hub's names
        self.calls.append(("newBuildRoot", *args, kwargs))
        return 3

    def setBuildRootList(self, identifier: int, rows: list[dict[str, Any]]) -> None:  # noqa: N802
        self.calls.append(("setBuildRootList", [row["name"] for row in rows]))

    def updateBuildRootList(self, identifier: int, rows: list[dict[str, Any]]) -> None:  # noqa: N802
        self.calls.append(("updateBuildRootList", [row["name"] for row in rows]))

    def setBuildRootState(self, identifier: int, state: str) -> None:  # noqa: N802
        self.calls.append(("setBuildRootState", state))


class Hub(HubFiles):
    """What a buildArch task asks of its session."""

    def __init__(self) -> None:
        super().__init__()
        self.host = Host()
        self.scratch = False

    def getAPIVersion(self) -> int:  # noqa: N802
        return 1

    def getExternalRepoList(self, *_args: Any, **_kwargs: Any) -> list[Any]:  # noqa: N802
        return []

    def getTaskInfo(self, task: int, *, request: bool = False) -> dict[str, Any]:  # noqa: N802
        if task == 5:
            return {"method": "buildArch", "parent": 4}
        return {
            "method": "build",
            "parent": None,
            **({"request": ["cli/x.src.rpm", "dist", {"scratch": self.scratch}]} if request else {}),
        }


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and does not say so."""

    def log_message(self, *_words: object) -> None:
        """Nobody's news."""


def listing(nevras: list[str]) -> bytes:
    """What rpm -qa says."""
    rows = []
    for nevra in nevras:
        stem, _, arch = nevra.rpartition(".")
        name, version, release = stem.rsplit("-", 2)
        rows.append("\t".join((name, version, release, "(none)", arch, "1", "2", "0" * 32)))
    return "".join(f"{row}\n" for row in rows).encode()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a run of a build's script says."""

    code: int = 0
    requires: tuple[str, ...] = ()

    def messages(self, action: str) -> bytes:
        phase = {"requires": "rpmbuild-br", "binary": "rpmbuild-bb"}.get(action, "rpmbuild-bs")
        lines = [f"phase {phase}", "source hello-1-1.src.rpm"]
        lines += [f"require {name}" for name in self.requires]
        return "".join(f"{line}\n" for line in [*lines, f"result {action} {self.code}"]).encode()


@dataclass
class Roots:
    """The packages of each container's root, and of each image's."""

    manager: FakeContainerManager
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changed: dict[str, list[str]] = field(default_factory=dict)

    def of(self, container: str) -> list[str]:
        image = self.manager.container(container).spec.image
        return self.changed.setdefault(container, list(self.images.get(image, ())))

    def seen_by(self, container: FakeContainer) -> list[str]:
        """The root that an installer works on."""
        (path,) = [mount.source for mount in container.spec.mounts if mount.target == "/buildroot"]
        return self.of(Path(path).parent.name)


class Bench:
    """`answers` are what the scripts of a build say, by action; `run` is the whole task."""

    def __init__(self, tmp_path: Path, topurl: str) -> None:
        self.hub = Hub()
        self.manager = FakeContainerManager()
        self.roots = Roots(self.manager)
        self.config = Config(
            server="http://127.0.0.1/kojihub",
            topurls=(topurl,),
            topdir=str(tmp_path / "topdir"),
            state_dir=tmp_path / "state",
            cache_dir=tmp_path / "cache",
            rpmbuild_timeout=60,
        )
        self.settings = BuildrootSettings(
            tag_id=2,
            tag_name="dist-build",
            repo_id=7,
            event_id=1,
            arch="x86_64",
            target_arch="x86_64",
            group="build",
            baseurls=(topurl,),
            macros={"%_buildhost": "builder.example"},
            environment={"PATH": "/usr/bin", "HOME": "/builddir"},
        )
        self.ctx = TaskContext(
            task_id=5,
            parameters={"method": "buildArch"},
            session=cast("Any", self.hub),
            workdir=tmp_path / "work",
            config=self.config,
            worker="w",
        )
        self.srpm = tmp_path / "hello-1-1.src.rpm"
        self.srpm.write_bytes(b"source")
        self.task_image = self.manager.add_image("localhost/task")
        self.base: tuple[str, ...] = BASE
        self.providers: dict[str, str] = PROVIDERS
        """Packages by the BuildRequires that they satisfy."""
        self.breaks: dict[str, str] = {}
        """Packages that rpm puts into a root under another name."""
        self.build_actions: list[tuple[str, ...]] = []
        self.answers: dict[str, list[Answer]] = {"source": [Answer()]}
        self.expected: tuple[str, ...] = ()
        self.script(IDLE, self._idle, endless=True)
        self.script(RPM_QA, lambda container, _: (0, ("stdout", listing(self.roots.of(container.id)))))
        self.script(INSTALLER, self._install)
        self.script(SOLVER, self._solve)
        for action in ("source", "again", "binary", "requires"):
            self.script(script_of(action), partial(self._build, action))

    def script(self, argv: tuple[str, ...], act: Callable[..., Any], *, endless: bool = False) -> None:
        """Let `act` decide what the command does: (exit code, *output)."""
        manager, plain = self.manager, self.manager._result

        def result(command: Command) -> CommandResult:
            if command.argv[: len(argv)] == argv:
                manager.commands.append(command)
                code, *output = act(manager.container(command.container), command)
                return CommandResult(exit_code=code, output=tuple(output), endless=endless)
            return plain(command)

        cast("Any", manager)._result = result

    def _idle(self, container: FakeContainer, _: Command) -> tuple[Any, ...]:
        return 0, ("stdout", listing(self.roots.of(container.id)) + b"listed 0\n")

    def _solve(self, container: FakeContainer, command: Command) -> tuple[Any, ...]:
        install = asked(container, command)
        if "group" in install:
            return answer(container, command, self.base)
        unknown = [name for name in install["requires"] if name not in self.providers]
        if unknown:
            return answer(container, command, problem=f"No matching package to install: '{unknown[0]}'")
        root = self.roots.seen_by(container)
        wanted = (self.providers[name] for name in install["requires"])
        return answer(container, command, tuple(nevra for nevra in wanted if nevra not in root))

    def _install(self, container: FakeContainer, _: Command) -> tuple[Any, ...]:
        (path,) = [mount.source for mount in container.spec.mounts if mount.target == "/packages"]
        names = sorted(file.name.removesuffix(".rpm") for file in Path(path).iterdir())
        self.roots.seen_by(container).extend(self.breaks.get(name, name) for name in names)
        return (0,)

    def _build(self, action: str, container: FakeContainer, command: Command) -> tuple[Any, ...]:
        self.build_actions.append((action, *command.argv[len(script_of(action)) :]))
        said = self.answers[action].pop(0)
        container.files["/builddir/build/SRPMS/hello-1-1.src.rpm"] = b"source"
        if action == "requires":
            container.files["/builddir/build/SRPMS/hello-1-1.buildreqs.nosrc.rpm"] = b"requires"
        if action != "requires" and said.code == 0:
            container.files["/builddir/build/RPMS/hello-1-1.x86_64.rpm"] = b"package"
        return said.code, ("stderr", said.messages(action)), ("stdout", TURN + b"output\n")

    # Images

    def solved(self, *nevras: str) -> Solution:
        install = tuple(SolvedPackage.from_json(package_row(nevra)) for nevra in nevras)
        return Solution(install=install, remove=frozenset())

    def base_key(self) -> str:
        """The key of the base root."""
        return keys.base_key(self.settings, self.task_image, self.solved(*BASE))

    def requires_key(self, *nevras: str) -> str:
        """The key of a root with these packages added to the base."""
        return keys.requires_key(self.base_key(), self.solved(*nevras))

    def have_image(
        self, nevras: tuple[str, ...] = BASE, *, key: str = "", inside: tuple[str, ...] | None = None
    ) -> ImageInfo:
        """A buildroot image of `key`, else of the base; `inside` is what rpm lists in it, if not `nevras`."""
        key = key or self.base_key()
        found = {labels.KEY: key, keys.PACKAGES_LABEL: keys.packages_digest(nevras)}
        image = self.manager.add_image(keys.image_name(key), found)
        self.roots.images[image.id] = nevras if inside is None else inside
        return image

    @property
    def roles(self) -> list[str]:
        """What containers were made for, in order."""
        return [spec.labels[labels.ROLE] for spec in self.manager.specs]

    @property
    def actions(self) -> list[str]:
        """Which scripts of a build were run."""
        return [action for action, *_ in self.build_actions]

    @property
    def asked_for(self) -> list[str]:
        """The keys of the images that were asked for."""
        return [path.stem for path in requests.pending_requests(self.config)]

    # The task

    def run(self) -> tuple[Path, ...]:
        """The whole task, as its handler does it; what was built."""
        with self.workplace() as place:
            adapter = BuildArchAdapter(place=place, srpm=self.srpm, target="x86_64", expected=self.expected)
            adapter.run(self.ctx, self.manager, place.logs.sink("build.log"))
            request_image_for_scratch(place)
        return cast("tuple[Path, ...]", adapter.result)

    @contextmanager
    def workplace(self) -> Iterator[Workplace]:
        """What the handler opens for an adapter."""
        record = BuildrootRecord(self.ctx.session, repo_id=7, arch="x86_64", task_id=5)
        with TaskContainers() as containers, TaskLogs(self.ctx) as logs, record:
            initializer = self._initializer(containers, logs, record.id)
            read = partial(read_origins, self.ctx.session, self.settings, initializer.solver.metadata)
            yield Workplace(
                ctx=self.ctx,
                manager=self.manager,
                settings=self.settings,
                buildroot_id=record.id,
                initializer=initializer,
                logs=logs,
                report=PackageLists(record, read, containers.submit),
                limits=TaskLimits(),
            )

    def _initializer(
        self, containers: TaskContainers, logs: TaskLogs, buildroot_id: int
    ) -> BuildrootInitializer:
        with open_session() as http:
            metadata = read_metadata(self.settings, http)
        solver = Solver(
            settings=self.settings,
            config=self.config,
            owner=self.ctx.owner(buildroot_id=buildroot_id),
            task_image=self.task_image,
            manager=self.manager,
            store=PackageStore(self.config.cache_dir),
            metadata=metadata,
            log=logs.sink("root.log"),
            workdir=self.ctx.workdir,
            environment={},
        )
        return BuildrootInitializer(
            solver=solver, containers=containers, journal=NullJournal(), poke=lambda: None
        )
