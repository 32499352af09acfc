"""buildArch step by step, on the engine in memory: which command follows which answer, and what the hub is told."""

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from koji_adjutant.buildroot import images
from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.installer import SCRIPT as INSTALL_SCRIPT
from koji_adjutant.buildroot.package_store import PackageStore, Solution, SolvedPackage
from koji_adjutant.buildroot.record import BuildrootRecord
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.solver import SCRIPT as SOLVE_SCRIPT
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ImageInfo
from koji_adjutant.errors import BuildFailed, BuildrootFailed, EngineError, TaskTimeout
from koji_adjutant.journal import NullJournal
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildarch import BuildArchAdapter
from koji_adjutant.task_adapters.logs import TaskLogs
from koji_adjutant.task_adapters.rpmbuild import BUILD_SCRIPT, DYNAMIC, FAILED, IDLE_SCRIPT, MISSING
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager
from tests.unit.buildroot.fake_repo import answer, asked, package_row, write_repo
from tests.unit.task_adapters.test_logs import HubFiles

BASE = ("bash-5-1.x86_64",)
MORE = ("zlib-1-1.x86_64",)
BUILD = ("/bin/bash", "-c", BUILD_SCRIPT.read_text(), "build.sh")
SOLVER = ("/usr/bin/python3", "-c", SOLVE_SCRIPT.read_text())
INSTALLER = ("/bin/bash", "-c", INSTALL_SCRIPT.read_text())
RPM_QA = ("rpm", "-qa")


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

    def getExternalRepoList(self, *_args: Any, **_kwargs: Any) -> list[Any]:  # noqa: N802
        return []


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Nobody's news."""


@pytest.fixture
def topurl(tmp_path: Path) -> Iterator[str]:
    repo = tmp_path / "web" / "repo"
    write_repo(repo, (*BASE, *MORE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "web")))
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/repo"
    server.shutdown()
    thread.join()
    server.server_close()


def listing(nevras: tuple[str, ...]) -> bytes:
    rows = []
    for nevra in nevras:
        stem, _, arch = nevra.rpartition(".")
        name, version, release = stem.rsplit("-", 2)
        rows.append("\t".join((name, version, release, "(none)", arch, "1", "2", "0" * 32)))
    return ("\n".join(rows) + "\n").encode()


class Bench:
    """One buildArch task with everything around it; `answers` are the build script's exit codes by action."""

    def __init__(self, tmp_path: Path, topurl: str) -> None:
        self.hub = Hub()
        self.manager = FakeContainerManager()
        config = Config(
            server="http://127.0.0.1/kojihub",
            topurls=(topurl,),
            topdir=str(tmp_path / "topdir"),
            state_dir=tmp_path / "state",
            cache_dir=tmp_path / "cache",
            rpmbuild_timeout=60,
        )
        self.config = config
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
            parameters={},
            session=cast("Any", self.hub),
            workdir=tmp_path / "work",
            config=config,
            worker="w",
        )
        self.srpm = tmp_path / "hello-1-1.src.rpm"
        self.srpm.write_bytes(b"source")
        self.task_image = self.manager.add_image("localhost/task")
        self.store = PackageStore(config.cache_dir)
        self.installed = list(BASE)
        self.manager.script(("/bin/bash", "-c", IDLE_SCRIPT.read_text()), CommandResult(endless=True))
        self.script(RPM_QA, self._list)
        self.script(INSTALLER, self._install)
        self.to_install: tuple[str, ...] = MORE
        self.base: tuple[str, ...] = BASE
        self.script(SOLVER, self._solve)
        self.build_actions: list[tuple[str, ...]] = []
        self.answers: dict[str, list[int]] = {"source": [0]}
        self.manager.script(BUILD, CommandResult())
        for action in ("source", "binary", "requires"):
            self.script((*BUILD, action), partial(self._build, action))

    def script(self, argv: tuple[str, ...], act: Callable[..., Any]) -> None:
        """Let `act` decide what the command does: (exit code, *output)."""
        manager, plain = self.manager, self.manager._result

        def result(command: Command) -> CommandResult:
            if command.argv[: len(argv)] == argv:
                manager.commands.append(command)
                code, *output = act(manager.container(command.container), command)
                return CommandResult(exit_code=code, output=tuple(output))
            return plain(command)

        cast("Any", manager)._result = result

    def _list(self, *_: Any) -> tuple[Any, ...]:
        return 0, ("stdout", listing(tuple(self.installed)))

    def _solve(self, container: FakeContainer, command: Command) -> tuple[Any, ...]:
        is_base = "group" in asked(container, command)
        return answer(container, command, self.base if is_base else self.to_install)

    def _install(self, *_: Any) -> tuple[Any, ...]:
        self.installed = [nevra for nevra in self.installed if nevra not in self.to_install]
        self.installed.extend(self.to_install)
        return (0,)

    def _build(self, action: str, container: FakeContainer, command: Command) -> tuple[Any, ...]:
        self.build_actions.append(command.argv[len(BUILD) :])
        code = self.answers[action].pop(0)
        suffix = ".buildreqs.nosrc.rpm" if action == "requires" else ".src.rpm"
        container.files["/builddir/build/SRPMS/hello-1-1.src.rpm"] = b"source"
        container.files["/builddir/build/SRPMS/hello-1-1.buildreqs.nosrc.rpm"] = b"requires"
        container.files["/builddir/build/RPMS/hello-1-1.x86_64.rpm"] = b"package"
        said = f"phase rpmbuild-{action}\nsource hello-1-1{suffix}\nresult {action} {code}\n"
        return code, ("stderr", said.encode()), ("stdout", b"output\n")

    def base_key(self) -> str:
        """The key of the base root."""
        install = tuple(SolvedPackage.from_json(package_row(nevra)) for nevra in BASE)
        return images.base_key(self.settings, self.task_image, Solution(install=install, remove=frozenset()))

    def have_image(self, nevras: tuple[str, ...] = BASE) -> ImageInfo:
        """A buildroot image for this task's key."""
        key = self.base_key()
        found = {
            labels.KEY: key,
            images.PACKAGES_LABEL: images.packages_digest(nevras),
        }
        image = self.manager.add_image(images.image_name(key), found)
        self.manager._images[image.id] = image
        return image

    def run(self) -> tuple[Path, ...]:
        """The whole task; what was built."""
        self.manager._images[self.task_image.id] = self.task_image
        empty = self.manager.import_empty_image("localhost/koji-adjutant-empty:1")
        self.manager._images[empty.id] = empty
        record = BuildrootRecord(self.ctx.session, repo_id=7, arch="x86_64", task_id=5)
        with TaskLogs(self.ctx) as logs, record:
            initializer = BuildrootInitializer(
                settings=self.settings,
                config=self.config,
                owner=self.ctx.owner(buildroot_id=record.id),
                task_image=self.task_image,
                manager=self.manager,
                store=self.store,
                log=logs.sink("root.log"),
                journal=NullJournal(),
                workdir=self.ctx.workdir,
                environment={},
                poke=lambda: None,
            )
            adapter = BuildArchAdapter(
                settings=self.settings,
                srpm=self.srpm,
                target="x86_64",
                record=record,
                initializer=initializer,
                logs=logs,
            )
            adapter.run(self.ctx, self.manager, logs.sink("build.log"))
        return cast("tuple[Path, ...]", adapter.result)


@pytest.fixture
def bench(tmp_path: Path, topurl: str) -> Iterator[Bench]:
    made = Bench(tmp_path, topurl)
    yield made
    assert made.manager.find({}) == ()


STATES = [
    ("newBuildRoot", 7, "x86_64", {"task_id": 5}),
    ("setBuildRootList", ["bash"]),
    ("setBuildRootState", "BUILDING"),
]
EXPIRED = ("setBuildRootState", "EXPIRED")


def test_a_package_whose_requirements_are_there_is_built_in_one_go(bench: Bench) -> None:
    bench.have_image()
    assert [path.name for path in bench.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert bench.build_actions == [("source", "x86_64", "hello-1-1.src.rpm")]
    assert bench.hub.host.calls == [*STATES, ("updateBuildRootList", ["bash"]), EXPIRED]
    assert bench.hub.files["build.log"] == b"output\n"
    roles = [spec.labels[labels.ROLE] for spec in bench.manager.specs]
    assert roles == ["build", "solver", "build"]


def test_missing_requirements_are_installed_and_reported(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [MISSING], "binary": [0]}
    bench.run()
    assert [action[0] for action in bench.build_actions] == ["source", "binary"]
    assert bench.build_actions[1] == ("binary", "x86_64", "bb")
    assert bench.hub.host.calls == [*STATES, ("updateBuildRootList", ["bash", "zlib"]), EXPIRED]
    roles = [spec.labels[labels.ROLE] for spec in bench.manager.specs]
    assert roles == ["build", "solver", "build", "solver", "installer"]


def test_dynamic_requirements_are_asked_for_until_nothing_is_missing(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [DYNAMIC], "requires": [MISSING, 0], "binary": [0]}
    bench.to_install = ()

    def solve(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        if "group" in asked(container, command):
            return answer(container, command, BASE)
        asked_for = len([action for action in bench.build_actions if action[0] == "requires"])
        bench.to_install = MORE if asked_for else ()
        return answer(container, command, bench.to_install)

    bench.script(SOLVER, solve)
    assert [path.name for path in bench.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert [action[0] for action in bench.build_actions] == ["source", "requires", "requires", "binary"]
    assert bench.build_actions[-1] == ("binary", "x86_64", "ba")


def test_a_failing_build_reports_its_packages_and_names_its_log(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [FAILED]}
    text = r"^error building package \(arch x86_64\).*see build.log for more information"
    with pytest.raises(BuildFailed, match=text):
        bench.run()
    assert bench.hub.host.calls == [*STATES, ("updateBuildRootList", ["bash"]), EXPIRED]
    assert bench.hub.files["build.log"] == b"output\n"


def test_unsolvable_requirements_are_the_packages_fault(bench: Bench) -> None:
    bench.have_image()
    bench.answers = {"source": [MISSING]}
    solve = bench._solve

    def fail(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        if "group" in asked(container, command):
            return solve(container, command)
        return answer(container, command, problem="No matching package to install: 'nothing'")

    bench.script(SOLVER, fail)
    with pytest.raises(BuildFailed, match=r"status 30; see root\.log"):
        bench.run()
    assert b"No matching package" in bench.hub.files["root.log"]


def test_an_unsolvable_install_group_is_the_tags_fault(bench: Bench) -> None:
    bench.script(SOLVER, partial(answer, problem="No group build in the repo's comps."))
    with pytest.raises(BuildrootFailed, match=r"could not init buildroot.*comps group build"):
        bench.run()
    assert bench.hub.host.calls == [STATES[0], EXPIRED]


def test_an_empty_install_group_is_the_tags_fault(bench: Bench) -> None:
    bench.base = ()
    with pytest.raises(BuildrootFailed, match="comps group build of tag dist-build is empty"):
        bench.run()


def test_a_root_without_a_shell_is_the_tags_fault(bench: Bench) -> None:
    bench.to_install = BASE
    start = bench.manager.start

    def refuse(container: str) -> None:
        if bench.manager.container(container).spec.labels[labels.ROLE] == "build":
            raise EngineError("/bin/bash: no such file or directory", status=500)
        start(container)

    cast("Any", bench.manager).start = refuse
    with pytest.raises(BuildrootFailed, match="check that comps group build of the build tag brings bash"):
        bench.run()


def test_without_an_image_the_root_is_populated_and_an_image_is_asked_for(bench: Bench) -> None:
    bench.installed = []
    bench.to_install = BASE
    bench.run()
    roles = [spec.labels[labels.ROLE] for spec in bench.manager.specs]
    assert roles == ["build", "solver", "installer"]
    (request,) = images.pending_requests(bench.config)
    assert request.stem == bench.base_key()


def test_an_image_that_goes_at_the_last_moment_is_done_without(bench: Bench) -> None:
    bench.installed = []
    bench.to_install = BASE
    image = bench.have_image()
    created = bench.manager.create

    def create(spec: ContainerSpec) -> str:
        if spec.image == image.id:
            raise EngineError("image not known", status=404)
        return created(spec)

    cast("Any", bench.manager).create = create
    bench.run()
    roles = [spec.labels[labels.ROLE] for spec in bench.manager.specs]
    assert roles == ["build", "solver", "installer"]


def test_a_root_that_lists_other_packages_is_thrown_away(bench: Bench) -> None:
    bench.have_image(MORE)
    with pytest.raises(BuildrootFailed, match="lists other packages"):
        bench.run()
    assert bench.build_actions == []


def test_a_build_that_takes_too_long_ends_as_mocks_does(bench: Bench) -> None:
    bench.have_image()

    def never(*_: Any) -> tuple[Any, ...]:
        raise TaskTimeout("/bin/bash ran longer than 60 s and was killed")

    bench.script((*BUILD, "source"), never)
    with pytest.raises(TaskTimeout, match=r"status 11; see build\.log.*rpmbuild_timeout"):
        bench.run()
    assert bench.hub.host.calls[-1] == EXPIRED
