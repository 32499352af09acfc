"""Specs that we write, and rpmbuild.

A spec is text from typed parts; everything in a package that could depend on the machine or the moment is
pinned, so that the same input gives the same bytes in any directory.
"""

import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed.distribution.debian import Version
from koji_adjutant.testbed.distribution.programs import run
from koji_adjutant.testbed.distribution.recipe import DATA, DIST, MACHINE, VENDOR
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS, Tools

_PINNED = (
    "use_source_date_epoch_as_buildtime 1",
    "clamp_mtime_to_source_date_epoch 1",
    "_buildhost minidistro",
    "_binary_payload w1.zstdio",
    "_source_payload w1.zstdio",
    "_build_id_links none",
    f"vendor {VENDOR}",
    "_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
)
# Trees are packed as they are: no stripping, no check for files that no package lists.
_AS_IT_IS = ("__spec_install_pre %{nil}", "__spec_install_post %{nil}", "__check_files %{nil}")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A binary package whose files lie ready in a tree."""

    name: str
    version: Version
    summary: str
    description: str = ""
    noarch: bool = False
    requires: Sequence[str] = ()
    provides: Sequence[str] = ()
    scriptlets: str = ""
    files: Sequence[str] = ()

    @property
    def noarch_file(self) -> str:
        """Name of the package's file, if it has no architecture."""
        return f"{self.name}-{self.version.version}-{self.version.release}.noarch.rpm" if self.noarch else ""

    def __str__(self) -> str:
        head = [
            f"Name: {self.name}",
            f"Epoch: {self.version.epoch}" if self.version.epoch != "0" else "",
            f"Version: {self.version.version}",
            f"Release: {self.version.release}",
            f"Summary: {quoted(self.summary)}",
            "License: see copyright file",
            "AutoReqProv: no",
            "BuildArch: noarch" if self.noarch else "",
            *(f"Requires: {name}" for name in sorted(set(self.requires))),
            *(f"Provides: {name}" for name in sorted(set(self.provides))),
        ]
        body = [
            "",
            "%description",
            quoted(self.description or self.summary),
            self.scriptlets,
            "%files",
            *self.files,
        ]
        return "\n".join([*filter(None, head), *body, ""]).replace("\t", " ")


def quoted(text: str) -> str:
    return text.replace("%", "%%")


def file_entry(path: str, mode: int, *, user: str = "root", group: str = "root", config: bool = False) -> str:
    """One line of %files. rpm takes a lone `[` literally and does not understand it escaped: only `%` is."""
    name = f'"{quoted(path)}"'
    if stat.S_ISLNK(mode):
        return name
    attributes = f"%attr({stat.S_IMODE(mode):04o},{user},{group}) {name}"
    if stat.S_ISDIR(mode):
        return f"%dir {attributes}"
    return f"%config(noreplace) {attributes}" if config else attributes


def pack(
    spec: Spec, tree: Path, work: Path, packages: Path, *, machine: str = MACHINE, tools: Tools = HOST_TOOLS
) -> None:
    """Make the binary package of `spec` from `tree`; `work` is scratch space of its own."""
    work.mkdir(parents=True)
    path = work / f"{spec.name}.spec"
    path.write_text(str(spec))
    defines = [*_PINNED, *_AS_IT_IS, *_directories(work, packages)]
    environment = {"MAGIC": str(DATA / "magic")}
    _rpmbuild("-bb", path, defines, "--buildroot", str(tree), machine=machine, tools=tools, env=environment)


def pack_written(
    spec: Path, work: Path, packages: Path, *, machine: str = MACHINE, tools: Tools = HOST_TOOLS
) -> None:
    """Make the binary packages of a spec that lies beside its sources."""
    work.mkdir(parents=True)
    defines = [
        *_PINNED,
        "__spec_install_post %{nil}",
        *_directories(work, packages),
        f"_sourcedir {spec.parent}",
    ]
    _rpmbuild("-bb", spec, defines, "--buildroot", str(work / "root"), machine=machine, tools=tools)


def pack_source(spec: str, work: Path, packages: Path, tools: Tools = HOST_TOOLS) -> None:
    """Make the source package of `spec`, a path below `work`, with the sources in `work`/SOURCES.

    A source package keeps its spec with the macros expanded, the directories among them: they are given
    relative to `work`, and rpm's own as in a root, so that they say nothing of where it is.
    """
    directories = [
        "_topdir .",
        "_rpmconfigdir /usr/lib/rpm",
        f"_srcrpmdir {packages}",
        f"_dbpath {work / 'rpmdb'}",
    ]
    defines = [*_PINNED, f"dist {DIST}", *directories]
    _rpmbuild("-bs", Path(spec), defines, cwd=work, tools=tools)


def _directories(work: Path, packages: Path) -> list[str]:
    return [f"_topdir {work}", f"_rpmdir {packages}", f"_dbpath {work / 'rpmdb'}"]


def _rpmbuild(
    mode: str,
    spec: Path,
    defines: Iterable[str],
    *options: str,
    machine: str = MACHINE,
    tools: Tools = HOST_TOOLS,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    words = [word for define in defines for word in ("--define", define)]
    command = [*tools.command("rpmbuild"), mode, "--nodeps", "--target", machine, *words, *options, str(spec)]
    # Nobody's own macros.
    run(command, cwd=cwd, env={"HOME": "/nonexistent", **tools.environment, **(env or {})})
