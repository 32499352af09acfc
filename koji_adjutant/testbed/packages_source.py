"""What buildroots are made of, and what is built: the mini distribution, or a real one that this machine can reach."""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.distribution import make
from koji_adjutant.testbed.distribution.recipe import MACHINE, RELEASE, read_groups
from koji_adjutant.testbed.distribution.source_packages import LONG, make_source_package, source_names
from koji_adjutant.testbed.distribution.task_image import TASK_REFERENCE, Podman, make_task_image
from koji_adjutant.testbed.engine.service import Engine

Say = Callable[[str], None]

PUBLISHED = "external/minidist"
INSTALL_GROUPS = ("build", "srpm-build")

# A minimal build group in the names of Fedora and its relatives.
REAL_GROUPS: Mapping[str, Sequence[str]] = {
    "build": [
        "bash",
        "bzip2",
        "coreutils",
        "cpio",
        "diffutils",
        "findutils",
        "gawk",
        "gcc",
        "gcc-c++",
        "grep",
        "gzip",
        "info",
        "make",
        "patch",
        "redhat-rpm-config",
        "rpm-build",
        "sed",
        "shadow-utils",
        "tar",
        "unzip",
        "util-linux",
        "which",
        "xz",
    ],
    "srpm-build": [
        "bash",
        "coreutils",
        "gnupg2",
        "make",
        "redhat-rpm-config",
        "rpm-build",
        "shadow-utils",
        "tar",
        "unzip",
    ],
}


@dataclass(frozen=True, kw_only=True)
class PackagesSource:
    """Packages, groups, source packages and the task image that fits them."""

    arch: str
    task_image: str
    groups: Mapping[str, Sequence[str]]
    srpms: Mapping[str, Path]
    url: str = ""
    repo: Path | None = None
    """A repository on this machine, in place of `url`."""

    def publish(self, topdir: Path, topurl: str) -> str:
        """The URL of the packages; a repository of this machine is shown below Koji's own files."""
        if self.repo is None:
            return self.url
        return publish(self.repo, topdir, topurl, PUBLISHED)


def distribution_directory(cache: Path, release: str = RELEASE, machine: str = MACHINE) -> Path:
    """Where the mini distribution of a release is kept."""
    return cache / "-".join(["distribution", release, *([] if machine == MACHINE else [machine])])


def publish(repo: Path, topdir: Path, topurl: str, name: str) -> str:
    """The URL of a repository of this machine, shown as `name` below the topdir."""
    link = topdir / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(repo)
    return f"{topurl}/{name}/"


def packages_source(
    engine: Engine, cache: Path, external_repo: str, image: str, say: Say, *, release: str = RELEASE
) -> PackagesSource:
    """A real distribution where `external_repo` and `image` name one, else the mini one of Debian's `release`."""
    if external_repo:
        return _real_source(cache, external_repo, image)
    return _mini_source(engine, cache, say, release)


def _mini_source(engine: Engine, cache: Path, say: Say, release: str) -> PackagesSource:
    distribution = make(distribution_directory(cache, release), say, release=release)
    podman = Podman(socket=Path(engine.socket), environment=engine.environment)
    make_task_image(distribution, podman, say)
    groups = read_groups()
    return PackagesSource(
        arch=MACHINE,
        task_image=TASK_REFERENCE,
        groups={name: groups[name] for name in INSTALL_GROUPS},
        srpms=distribution.srpms,
        repo=distribution.repo,
    )


def _real_source(cache: Path, external_repo: str, image: str) -> PackagesSource:
    return PackagesSource(
        arch=platform.machine(),
        task_image=image,
        groups=REAL_GROUPS,
        srpms=dict(_own_sources(cache / "sources")),
        url=external_repo,
    )


def _own_sources(directory: Path) -> Iterator[tuple[str, Path]]:
    """Our source packages, but for the one that is made of Debian's."""
    packages = directory / "srpms"
    packages.mkdir(parents=True, exist_ok=True)
    for name in source_names():
        if name == LONG:
            continue
        with TemporaryDirectory(prefix=f"{name}-", dir=directory) as work:
            make_source_package(name, Path(work) / name, Archive(directory), packages)
        yield name, next(packages.glob(f"{name}-*.src.rpm"))
