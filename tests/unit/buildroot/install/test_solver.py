"""The solver, with this host's dnf in place of a container of the task image."""

import dataclasses
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import read_metadata
from koji_adjutant.buildroot.install.solutions import PackageStore, Solution
from koji_adjutant.buildroot.install.solver import MACHINES, Solver, Unsolvable
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerSpec, ImageInfo, LogSink, Stream
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import BuildrootFailed, TaskTimeout
from tests.unit.buildroot.web import settings_for, web
from tests.unit.buildroot.xml_repo import Package, write_xml_repo

IMAGE = ImageInfo(id="c" * 64, digest="", names=("localhost/tools:1",))
PACKAGES = (
    Package(name="bash", requires=("libc",)),
    Package(name="libc"),
    Package(name="zlib", requires=("libc",)),
    Package(name="broken", requires=("nowhere",)),
)


class Log:
    def __init__(self) -> None:
        self.text = b""

    def write(self, _stream: Stream, data: bytes) -> None:
        self.text += data


class HostManager:
    """Runs the solver's script on this host; `specs` are the containers that it would have had."""

    def __init__(self) -> None:
        self.specs: list[ContainerSpec] = []
        self.hangs = False

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float) -> int:
        self.specs.append(spec)
        if self.hangs:
            raise TaskTimeout(f"it ran longer than {timeout} s")
        places = sorted(((mount.target, mount.source) for mount in spec.mounts), reverse=True)
        argv = [local(word, places) for word in spec.command]
        path = argv[-1]
        text = Path(path).read_text()
        for target, source in places:
            text = text.replace(f'"{target}', f'"{source}')
        Path(path).write_text(text)
        done = subprocess.run(argv, capture_output=True, check=False)
        sink.write("stderr", done.stderr)
        return done.returncode


def local(word: str, places: Sequence[tuple[str, str]]) -> str:
    """A word of the command, a path being this host's."""
    for target, source in places:
        if word.startswith(f"{target}/"):
            return word.replace(target, source, 1)
    return word


class Bench:
    """Repos on a web server, and a task's solver for each."""

    def __init__(self, directory: Path, url: str, seen: list[str]) -> None:
        self.directory = directory
        self.url = url
        self.seen = seen
        self.manager = HostManager()
        self.log = Log()

    def repo(self, name: str, packages: Sequence[Package] = PACKAGES) -> Path:
        return write_xml_repo(self.directory / "web" / name, packages, ["bash"])

    def solver(self, *names: str, image: ImageInfo = IMAGE, **options: Any) -> Solver:
        settings = settings_for(*(f"{self.url}/{name}" for name in names), **options)
        with open_session() as http:
            metadata = read_metadata(settings, http)
        cache = self.directory / "cache"
        config = Config(
            server="http://127.0.0.1/kojihub",
            topurls=(self.url,),
            topdir=str(self.directory),
            state_dir=self.directory / "state",
            cache_dir=cache,
            network_enabled=False,
        )
        return Solver(
            settings=settings,
            config=config,
            owner=Owner(worker="w", task_id=5),
            task_image=image,
            manager=cast("Any", self.manager),
            store=PackageStore(cache, pause=0.001),
            metadata=metadata,
            log=self.log,
            workdir=self.directory / "work",
            environment={"KOJI_TASK_ID": "5"},
            external_repos=lambda: {f"{self.url}/ext/": "ext-one"},
        )

    def fetched(self) -> list[str]:
        """What was asked for since the last call, but for repomd.xml."""
        found = [path for path in self.seen if "repomd" not in path]
        self.seen.clear()
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "web").mkdir()
    seen: list[str] = []
    with web(tmp_path / "web", seen=seen) as url:
        yield Bench(tmp_path, url, seen)


def empty_root(bench: Bench) -> str:
    root = bench.directory / "root"
    root.mkdir(exist_ok=True)
    return str(root)


def test_the_second_task_needs_no_container(bench: Bench) -> None:
    bench.repo("one")
    first = bench.solver("one")
    assert first.cached_group() is None
    solution = first.group()
    assert {package.nevra for package in solution.install} == {"bash-1-1.noarch", "libc-1-1.noarch"}
    bench.repo("two")
    bench.fetched()
    again = bench.solver("two", repo_id=8)
    assert again.cached_group() == solution
    assert again.group() == solution
    assert bench.fetched() == []
    assert len(bench.manager.specs) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"group": "other"},
        {"arch": "i386"},
        {"releasever": "9"},
        {"module_hotfixes": True},
        {"modules": (("disable", "*"),)},
        {"package_manager": "yum"},
        {"image": replace(IMAGE, id="d" * 64)},
    ],
)
def test_another_question_has_another_answer(bench: Bench, options: dict[str, Any]) -> None:
    bench.repo("one")
    bench.solver("one").group()
    assert bench.solver("one", **options).cached_group() is None


def test_tasks_that_begin_together_find_out_once(bench: Bench) -> None:
    bench.repo("one")
    found: list[Solution] = []

    def task() -> None:
        found.append(bench.solver("one").group())

    threads = [threading.Thread(target=task) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert found.count(found[0]) == 4
    assert len(bench.manager.specs) == 1


def test_what_does_not_matter_does_not_ask_again(bench: Bench) -> None:
    bench.repo("one")
    bench.solver("one").group()
    assert bench.solver("one", repo_id=9, macros={"%x": "y"}, target_arch="noarch").cached_group()


def test_changed_metadata_is_solved_anew(bench: Bench) -> None:
    bench.repo("one")
    bench.solver("one").group()
    bench.repo("two", [*PACKAGES, Package(name="libc", version="2")])
    solution = bench.solver("two").group()
    assert "libc-2-1.noarch" in {package.nevra for package in solution.install}
    assert len(bench.manager.specs) == 2


def test_requirements_are_solved_once_for_a_root(bench: Bench) -> None:
    bench.repo("one")
    mounted = []

    def root() -> str:
        mounted.append(1)
        return empty_root(bench)

    for _ in range(2):
        solution = bench.solver("one").requires(["zlib", "zlib", "rpmlib(X) <= 4"], base_key="b", root=root)
        assert {package.nevra for package in solution.install} == {"zlib-1-1.noarch", "libc-1-1.noarch"}
    assert len(mounted) == 1
    bench.solver("one").requires(["zlib"], base_key="another", root=root)
    assert len(mounted) == 2
    nothing = bench.solver("one").requires(["rpmlib(X) <= 4"], base_key="b", root=root)
    assert (nothing.install, len(mounted)) == ((), 2)


def test_what_cannot_be_solved_is_not_kept(bench: Bench) -> None:
    bench.repo("one")
    for _ in range(2):
        with pytest.raises(
            Unsolvable, match=r"repo 7 of dist-build cannot provide .*nothing provides nowhere"
        ):
            bench.solver("one").requires(["broken"], base_key="b", root=lambda: empty_root(bench))
    assert len(bench.manager.specs) == 2
    assert b"nothing provides nowhere" in bench.log.text


def test_what_dnf_writes_of_its_own_has_a_log_of_its_own(bench: Bench) -> None:
    bench.repo("one")
    own = Log()
    dataclasses.replace(bench.solver("one"), own_log=own).group()
    assert b"using cache for: build" in own.text
    assert b"using cache for: build" not in bench.log.text


def test_a_reason_is_told_up_to_a_limit(bench: Bench) -> None:
    bench.repo("one")
    many = [f"pkgconfig(absent-{number:05})" for number in range(10_000)]
    with pytest.raises(Unsolvable) as caught:
        bench.solver("one").requires(many, base_key="b", root=lambda: empty_root(bench))
    assert "absent-00000" in str(caught.value)
    assert len(str(caught.value)) < 2200
    assert all(len(word) < 1 << 17 for word in bench.manager.specs[0].command)


def test_files_come_once_and_are_looked_at_each_time(bench: Bench) -> None:
    bench.repo("one")
    solver = bench.solver("one")
    solution = solver.group()
    bench.fetched()
    solver.provide(solution, bench.directory / "first")
    assert sorted(bench.fetched()) == [
        "/one/Packages/bash-1-1.noarch.rpm",
        "/one/Packages/libc-1-1.noarch.rpm",
    ]
    assert sorted(path.name for path in (bench.directory / "first").iterdir()) == [
        "bash-1-1.noarch.rpm", "libc-1-1.noarch.rpm"
    ]  # fmt: skip
    stored = next(solver.store.directory / package.file for package in solution.install)
    (bench.directory / "first" / stored.name).unlink()
    stored.write_bytes(b"?" * stored.stat().st_size)
    solver.provide(solution, bench.directory / "second")
    assert bench.fetched() == [f"/one/Packages/{stored.name}"]
    shutil.rmtree(solver.store.directory / "packages")
    solver.provide(solution, bench.directory / "third")
    assert len(bench.fetched()) == 2


def test_another_url_of_the_repo_is_used_when_one_lacks_a_file(bench: Bench) -> None:
    bench.repo("one")
    bench.repo("two")
    shutil.rmtree(bench.directory / "web" / "one" / "Packages")
    solver = bench.solver("one", "two")
    solver.provide(solver.group(), bench.directory / "packages")
    assert len(list((bench.directory / "packages").iterdir())) == 2


def test_a_repo_that_is_gone_is_said_to_be(bench: Bench) -> None:
    bench.repo("one")
    solver = bench.solver("one")
    solution = solver.group()
    shutil.rmtree(bench.directory / "web" / "one")
    with pytest.raises(BuildrootFailed, match=r"package (bash|libc)-1-1\.noarch: .*/one/Packages/.*: 404"):
        solver.fetch(solution)


def test_a_package_that_is_not_the_repos_is_refused_and_then_forgotten(bench: Bench) -> None:
    package = bench.repo("one") / "Packages" / "bash-1-1.noarch.rpm"
    solver = bench.solver("one")
    solution = solver.group()
    good = package.read_bytes()
    package.write_bytes(good[:-1] + b"!")
    with pytest.raises(BuildrootFailed, match=r"package bash-1-1\.noarch: .*the repo says sha256"):
        solver.fetch(solution)
    package.write_bytes(good)
    solver.fetch(solution)


def test_changed_content_of_an_external_repo_names_it(bench: Bench) -> None:
    external = Package(name="libc", base=f"{bench.url}/ext/")
    bench.repo("one", [PACKAGES[0], external])
    directory = bench.directory / "web" / "ext" / "Packages"
    directory.mkdir(parents=True)
    (directory / external.file).write_bytes(external.content)
    solver = bench.solver("one")
    solution = solver.group()
    solver.fetch(solution)
    shutil.rmtree(solver.store.directory / "packages")
    (directory / external.file).write_bytes(external.content[:-1] + b"!")
    with pytest.raises(
        BuildrootFailed, match=rf"external repo ext-one \({bench.url}/ext/\): package libc-1-1.* have changed"
    ):
        solver.fetch(solution)
    (directory / external.file).unlink()
    with pytest.raises(BuildrootFailed, match=r"external repo ext-one .*404"):
        solver.fetch(solution)


def test_metadata_that_dnf_cannot_read_is_the_repos_fault(bench: Bench) -> None:
    repo = bench.repo("one", [Package(name="bash", requires=("<&>",))])
    (repo / "repodata" / "group.xml").write_text("<comps>")
    with pytest.raises(BuildrootFailed, match="group metadata of repo 7 of dist-build"):
        bench.solver("one").group()


@pytest.mark.parametrize("spoilt", ["build.solv", "primary-primary.xml.gz"])
def test_files_that_the_disk_has_spoilt_harm_one_task_at_most(bench: Bench, spoilt: str) -> None:
    bench.repo("one")
    solution = bench.solver("one").group()
    shutil.rmtree(bench.directory / "cache" / "solutions")
    metadata = bench.directory / "cache" / "metadata"
    (path,) = metadata.rglob(spoilt)
    path.write_bytes(b"")
    if spoilt != "build.solv":
        shutil.rmtree(next(metadata.glob("*/solver-*")))
        with pytest.raises(BuildrootFailed, match="metadata of repo 7 of dist-build cannot be used"):
            bench.solver("one").group()
    assert bench.solver("one").group() == solution


def test_the_container_is_given_as_little_as_can_be(bench: Bench) -> None:
    bench.repo("one")
    bench.solver("one").requires(["zlib"], base_key="b", root=lambda: empty_root(bench))
    (spec,) = bench.manager.specs
    assert spec.network == "none"
    assert spec.capabilities == frozenset()
    assert {
        mount.target: mount.read_only for mount in spec.mounts if not mount.target.startswith("/scratch")
    } == {
        "/buildroot": True,
        "/metadata": True,
    }
    assert not any((bench.directory / "work").iterdir())


def test_a_machine_of_32_bits_calls_itself_otherwise(bench: Bench) -> None:
    bench.repo("one", [Package(name="bash", arch="i686")])
    (package,) = bench.solver("one", arch="i386", target_arch="i686").group().install
    assert package.nevra == "bash-1-1.i686"
    assert MACHINES["i386"] == "i686"
    bench.solver("one", arch="x86_64", forcearch="i686").group()
    assert len(bench.manager.specs) == 1


def test_a_corrupt_solution_is_found_anew(bench: Bench) -> None:
    bench.repo("one")
    solution = bench.solver("one").group()
    (kept,) = (bench.directory / "cache" / "solutions").iterdir()
    assert json.loads(kept.read_text())["install"]
    kept.write_text(kept.read_text()[:-5])
    assert bench.solver("one").group() == solution
    assert len(bench.manager.specs) == 2
    assert bench.solver("one").cached_group() == solution


def test_a_solver_without_end_is_no_fault_of_the_package(bench: Bench) -> None:
    bench.repo("one")
    bench.manager.hangs = True
    with pytest.raises(BuildrootFailed, match=r"the solver did not end in 86400 seconds.*install_timeout"):
        bench.solver("one").group()
    bench.manager.hangs = False
    assert bench.solver("one").group().install
    assert not any((bench.directory / "work").iterdir())
