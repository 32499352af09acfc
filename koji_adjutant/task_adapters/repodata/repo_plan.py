"""Where the files of one architecture of a repo are, and the commands that make its metadata. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji

from koji_adjutant import names
from koji_adjutant.errors import TaskFailed

CREATEREPO = "/usr/bin/createrepo_c"
MERGEREPO = "/usr/bin/mergerepo_c"
SIMPLE_SINCE, BARE_SINCE, ARCH_EXPAND_SINCE = (0, 13, 0), (0, 13, 1), (0, 15, 11)
VERSION = re.compile(rb"\bVersion: (\d+)\.(\d+)\.(\d+)\s")
Version = tuple[int, ...]
"""Of mergerepo_c, which comes with createrepo_c and is of its version; empty when its version is unknown."""


@dataclass(frozen=True, kw_only=True)
class RepoPlan:
    """One architecture of a repo that is being made."""

    repo_id: int
    tag_name: str
    arch: str
    topdir: str
    workdir: Path
    has_packages: bool = True
    """The hub's pkglist is not empty."""
    has_comps: bool = False
    recycled: bool = False
    """Metadata of an older repo lie ready in `datadir`."""
    skip_stat: bool = True

    @property
    def toprepodir(self) -> Path:
        """The repo's directory, for all architectures."""
        return repo_directory(self.topdir, self.repo_id, self.tag_name)

    @property
    def repodir(self) -> Path:
        """What the hub laid out for this architecture."""
        return self.toprepodir / names.file_name(self.arch, "architecture", TaskFailed)

    @property
    def pkglist(self) -> Path:
        """The packages, a path below `repodir` in each line."""
        return self.repodir / "pkglist"

    @property
    def comps(self) -> Path:
        """The groups of the tag."""
        return self.toprepodir / "groups" / "comps.xml"

    @property
    def outdir(self) -> Path:
        """Where metadata are written."""
        return self.workdir / "repo"

    @property
    def datadir(self) -> Path:
        """What is uploaded."""
        return self.outdir / "repodata"

    @property
    def premerge(self) -> Path:
        """The repo before external repos are merged; builders know packages by this name for internal ones."""
        return self.workdir / f"repo_{self.repo_id}_premerge"


def repo_directory(topdir: str, repo_id: int, tag_name: str) -> Path:
    """Where the hub has a repo. A tag's name may have slashes, and then is so many directories."""
    names.parts(tag_name, "tag", TaskFailed)
    return Path(koji.PathInfo(topdir).repo(int(repo_id), tag_name))


def createrepo_argv(plan: RepoPlan) -> tuple[str, ...]:
    """createrepo_c, which must fail when a package cannot be read."""
    return (
        *(CREATEREPO, "--error-exit-val", "-vd", "-o", str(plan.outdir)),
        *(("-i", str(plan.pkglist)) if plan.has_packages else ()),
        *(("-g", str(plan.comps)) if plan.has_comps else ()),
        *(("--update",) if plan.recycled else ()),
        *(("--skip-stat",) if plan.recycled and plan.skip_stat else ()),
        str(plan.repodir if plan.has_packages else plan.outdir),
    )


def mergerepo_argv(plan: RepoPlan, *, mode: str, urls: Sequence[str], version: Version) -> tuple[str, ...]:
    """mergerepo_c over the repo as it was before, and the external ones."""
    require_mode(plan, mode, version)
    kind = {"simple": ("--koji", "--simple"), "bare": ("--pkgorigins", "--all")}.get(mode, ("--koji",))
    sources = (f"file://{plan.premerge}/", *urls)
    return (
        MERGEREPO,
        *kind,
        *(() if mode == "bare" else ("-b", str(plan.repodir / "blocklist"))),
        *("-a", plan.arch, "-o", str(plan.outdir)),
        *(("--arch-expand",) if version >= ARCH_EXPAND_SINCE else ()),
        *(("-g", str(plan.comps)) if plan.has_comps else ()),
        *(word for source in sources for word in ("-r", source)),
    )


def require_mode(plan: RepoPlan, mode: str, version: Version) -> None:
    """TaskFailed where mergerepo_c does not know a merge mode. An unknown version may be old."""
    since = {"simple": SIMPLE_SINCE, "bare": BARE_SINCE if version else ()}.get(mode, ())
    if version < since:
        shown, wanted = ".".join(map(str, version)) or "none", ".".join(map(str, since))
        raise TaskFailed(
            f"mergerepo_c of the task image of tag {plan.tag_name} is too old for merge mode {mode} of its external "
            f"repos: {shown}, wanted {wanted}",
            hint="put a newer createrepo_c into the task image, or give the tag another (adjutant_image_policy)",
        )


def merge_mode(externals: Sequence[Mapping[str, Any]]) -> str:
    """The one merge mode of the external repos of a tag."""
    modes = sorted({str(repo.get("merge_mode") or "koji") for repo in externals})
    if len(modes) > 1:
        raise TaskFailed(
            f"Found multiple merge modes for external repos: {', '.join(modes)}",
            hint="give all external repos of the tag the same one: koji edit-external-repo -m",
        )
    return modes[0]


def external_urls(externals: Sequence[Mapping[str, Any]], arch: str) -> tuple[str, ...]:
    """The external repos that have packages of `arch`, in order."""
    return tuple(
        repo["url"].replace("$arch", arch)
        for repo in externals
        if not repo.get("arches") or arch in repo["arches"].split()
    )


def parse_version(line: str) -> Version:
    """The version in what createrepo_c prints about itself."""
    match = VERSION.search(line.encode())
    return tuple(int(part) for part in match.groups()) if match else ()
