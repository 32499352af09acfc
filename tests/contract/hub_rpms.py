"""Small packages made by rpmbuild on the spot, and their way through a hub: uploaded, built, imported.

A package has one architecture-dependent and one noarch binary package, without any compiler. Files live in the
directory that is given; uploads belong to tasks of the world that makes them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.contract.hub_fixtures import Builder, World

SPEC = """\
%global debug_package %{{nil}}
Name: {name}
Version: {version}
Release: {release}
Summary: A package for tests
License: MIT
%description
A package for tests.
%package data
Summary: Its data
BuildArch: noarch
%description data
Its data.
%install
mkdir -p %{{buildroot}}/opt/{name}
cd %{{buildroot}}/opt/{name}
touch program {files}
%files
/opt/{name}/program
%files data
{listed}
"""


@dataclass(frozen=True, kw_only=True)
class Package:
    name: str
    version: str
    release: str
    srpm: Path
    binary: Path
    noarch: Path

    @property
    def rpms(self) -> list[Path]:
        return [self.binary, self.noarch]

    @property
    def nvr(self) -> str:
        return f"{self.name}-{self.version}-{self.release}"


def make_package(
    directory: Path, name: str, *, release: str = "1", files: Sequence[str] = ("data",)
) -> Package:
    directory.mkdir(parents=True)
    spec = directory / f"{name}.spec"
    listed = "\n".join(f"/opt/{name}/{file}" for file in files)
    text = SPEC.format(name=name, version="1.0", release=release, files=" ".join(files), listed=listed)
    spec.write_text(text, encoding="utf-8")
    defines = [f"--define=_topdir {directory}", "--define=_build_id_links none"]
    argv = ["rpmbuild", "-ba", "--quiet", "--target=x86_64", *defines, str(spec)]
    subprocess.run(
        argv, check=True, capture_output=True, env={"HOME": str(directory), "PATH": "/usr/bin:/bin"}
    )
    nvr = f"{name}-1.0-{release}"
    return Package(
        name=name,
        version="1.0",
        release=release,
        srpm=directory / "SRPMS" / f"{nvr}.src.rpm",
        binary=directory / "RPMS" / "x86_64" / f"{nvr}.x86_64.rpm",
        noarch=directory / "RPMS" / "noarch" / f"{name}-data-1.0-{release}.noarch.rpm",
    )


def task_dir(task_id: int) -> str:
    return f"tasks/{task_id % 10000}/{task_id}"


@dataclass(kw_only=True)
class BuildInProgress:
    """A build task and an architecture's task under it, both open, everything uploaded, a buildroot made."""

    world: World
    builder: Builder
    package: Package
    task_id: int
    arch_task_id: int
    buildroot_id: int
    srpm: str
    rpms: list[str]
    logs: dict[str, list[str]]
    build_id: int = 0
    buildroots: dict[str, int] = field(default_factory=dict)

    def start(self, **changes: Any) -> int:
        """Tell the hub that the build begins; its id."""
        data = {"name": self.package.name, "version": self.package.version, "release": self.package.release}
        build = {**data, "epoch": None, "task_id": self.task_id, "source": None, "extra": None, **changes}
        self.build_id = self.builder.host.initBuild(build)
        self.world.at_end("cancelBuild", self.build_id)
        return self.build_id

    def complete(self) -> dict[str, Any]:
        done: dict[str, Any] = self.builder.host.completeBuild(
            self.task_id, self.build_id, self.srpm, self.rpms, self.buildroots, logs=self.logs
        )
        return done

    def to_scratch(self) -> None:
        self.builder.host.moveBuildToScratch(self.task_id, self.srpm, self.rpms, logs=self.logs)

    def upload(self, file: Path, name: str | None = None, task_id: int = 0) -> str:
        """The file's path below the hub's work directory."""
        directory = task_dir(task_id or self.arch_task_id)
        self.builder.session.rawUpload(file.read_bytes(), 0, directory, name or file.name, overwrite=True)
        return f"{directory}/{name or file.name}"


def prepare_build(world: World, builder: Builder, package: Package) -> BuildInProgress:
    task_id = world.open_task(builder)
    arch_task_id = world.open_task(builder)
    buildroot_id = builder.host.newBuildRoot(world.repo(builder), "x86_64", task_id=arch_task_id)
    build = BuildInProgress(
        world=world,
        builder=builder,
        package=package,
        task_id=task_id,
        arch_task_id=arch_task_id,
        buildroot_id=buildroot_id,
        srpm="",
        rpms=[],
        logs={},
    )
    log = package.srpm.with_name("build.log")
    log.write_bytes(b"built\n")
    build.srpm = build.upload(package.srpm)
    build.rpms = [build.upload(file) for file in package.rpms]
    build.logs = {"x86_64": [build.upload(log)]}
    build.buildroots = dict.fromkeys([build.srpm, *build.rpms], buildroot_id)
    return build
