"""What the mini distribution consists of, made step by step in a work directory.

Packages of Debian are unpacked, shaped and packed again; our own are added; metadata is made: all by programs that
are themselves of those packages. Independent packages are worked on at the same time; nothing is left of the steps but
what they made.
"""

import dataclasses
import functools
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.bytecode import compile_modules
from koji_adjutant.testbed.distribution.debian import parse_version
from koji_adjutant.testbed.distribution.filesystem import directory_modes, filesystem_spec, fill
from koji_adjutant.testbed.distribution.packages import FILESYSTEM, Conversion, conversion
from koji_adjutant.testbed.distribution.programs import EPOCH, run
from koji_adjutant.testbed.distribution.recipe import (
    DATA,
    MACHINE,
    WHEELS,
    Recipe,
    read_groups,
    read_root_layout,
)
from koji_adjutant.testbed.distribution.source_packages import make_source_package, source_names
from koji_adjutant.testbed.distribution.spec import pack, pack_written
from koji_adjutant.testbed.distribution.tools import Tools, gather
from koji_adjutant.testbed.distribution.trees import Tree, paths_below, unpack
from koji_adjutant.testbed.distribution.wheels import Interpreter, wheel_trees

Progress = Callable[[str], None]
TOOLS = "tools"
PACKAGES = Path("repo", "Packages")


def _lap(progress: Progress) -> Progress:
    began = time.monotonic()
    return lambda what: progress(f"{time.monotonic() - began:6.1f} s  {what}")


def make_content(
    work: Path, archive: Archive, recipe: Recipe, progress: Progress, first: Path | None = None
) -> None:
    """Make repo, srpms, comps.xml and tools below `work`.

    What has no architecture, and the tools, are those of the distribution at the directory `first`, if that is given.
    """
    progress = _lap(progress)
    packages = work / PACKAGES
    packages.mkdir(parents=True)
    archive.refresh()
    debs = [deb for deb in archive.binaries(recipe.seeds) if deb.name.partition("_")[0] not in recipe.dropped]
    progress(f"{len(debs)} packages of Debian, {_mebibytes(debs)} MiB")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        unpacked = pool.map(
            lambda deb: unpack(deb, work / "trees" / deb.name.partition("_")[0], recipe), debs
        )
        trees = {tree.fields["Package"]: tree for tree in unpacked}
    progress("unpacked")
    if recipe.machine.has_wheels:
        trees.update(_python_packages(work, archive, recipe, trees))
        progress("packages of PyPI")
    if first:
        (work / TOOLS).symlink_to(first / TOOLS)
    else:
        gather(trees.values(), work / TOOLS)
    tools = Tools(root=work / TOOLS)
    for name in compile_modules(trees.values(), tools):
        trees[name] = dataclasses.replace(trees[name], paths=paths_below(trees[name].root))
    progress("Python compiled")
    _pack_binaries(list(trees.values()), recipe, work, tools, first)
    if first:
        _take(recipe.machine.taken, first / PACKAGES, packages)
    progress(f"{len(list(packages.iterdir()))} binary packages, {_mebibytes(list(packages.iterdir()))} MiB")
    (work / "srpms").mkdir()
    if recipe.machine.name == MACHINE:
        _pack_sources(work, archive, tools)
    _index(work, tools)
    progress("source packages and metadata")


def _python_packages(
    work: Path, archive: Archive, recipe: Recipe, trees: Mapping[str, Tree]
) -> dict[str, Tree]:
    (version,) = {
        parse_version(tree.fields["Version"]).version
        for name, tree in trees.items()
        if re.fullmatch(r"python3\.\d+", name)
    }
    interpreter = Interpreter(version=version, machine=recipe.machine.name)
    unpacked = wheel_trees(WHEELS, archive.wheels, work / "trees", interpreter, recipe.machine.debian)
    made = {tree.fields["Package"]: tree for tree in unpacked}
    twice = sorted(made.keys() & trees.keys())
    if twice:
        raise ConfigError(f"{WHEELS.name} names what is a package of Debian's, too: {' '.join(twice)}")
    return made


def _package(common: Conversion, tree: Tree, work: Path, packages: Path, first: Path | None) -> None:
    spec = common.spec(tree)
    ready = first / PACKAGES / spec.noarch_file if first and spec.noarch else None
    if ready and ready.is_file():
        shutil.copyfile(ready, packages / ready.name)
    else:
        build = work / "build" / tree.root.name
        pack(spec, tree.root, build, packages, machine=common.recipe.machine.name, tools=common.tools)


def _take(names: Sequence[str], first: Path, packages: Path) -> None:
    for name in names:
        (file,) = first.glob(f"{name}-[0-9]*.noarch.rpm")
        shutil.copyfile(file, packages / file.name)


def _pack_binaries(
    trees: Sequence[Tree],
    recipe: Recipe,
    work: Path,
    tools: Tools,
    first: Path | None,
) -> None:
    layout, packages = read_root_layout(recipe.machine.multiarch), work / PACKAGES
    converted = functools.partial(pack, machine=recipe.machine.name, tools=tools)
    own = functools.partial(pack_written, machine=recipe.machine.name, tools=tools)
    common = conversion(trees, recipe, layout, tools)
    modes = directory_modes(trees, common.shared, layout)
    fill(work / "trees" / FILESYSTEM, modes, layout)
    filesystem = filesystem_spec(modes, layout, recipe)
    # The biggest first, so that the last job is a short one.
    ordered = sorted(trees, key=lambda tree: -sum(status.st_size for status in tree.paths.values()))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(_package, common, tree, work, packages, first) for tree in ordered]
        jobs.append(
            pool.submit(
                converted, filesystem, work / "trees" / FILESYSTEM, work / "build" / FILESYSTEM, packages
            )
        )
        jobs += [
            pool.submit(own, spec, work / "build" / f"own-{spec.stem}", packages)
            for spec in sorted((DATA / "packages").glob("*/*.spec"))
            if spec.stem in recipe.machine.own
        ]
        for job in jobs:
            job.result()


def _pack_sources(work: Path, archive: Archive, tools: Tools) -> None:
    for name in source_names():
        make_source_package(name, work / "sources" / name, archive, work / "srpms", tools)


def _index(work: Path, tools: Tools) -> None:
    comps = work / "comps.xml"
    comps.write_text(comps_xml(read_groups()))
    for path in [comps, *(work / "repo").rglob("*"), *(work / "srpms").iterdir()]:
        os.utime(path, (EPOCH, EPOCH))
    pinned = [
        "--revision",
        str(EPOCH),
        "--set-timestamp-to-revision",
        "--simple-md-filenames",
        "--no-database",
    ]
    run([*tools.command("createrepo_c"), "--quiet", "--error-exit-val", *pinned, "-g", comps, work / "repo"])


def _mebibytes(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths) >> 20


def comps_xml(groups: Mapping[str, Sequence[str]]) -> str:
    """The comps file: which packages each install group has."""
    comps = ET.Element("comps")
    for group, names in sorted(groups.items()):
        element = ET.SubElement(comps, "group")
        fields = {"id": group, "name": group, "description": f"{group} root", "default": "false"}
        for tag, text in {**fields, "uservisible": "false"}.items():
            ET.SubElement(element, tag).text = text
        packages = ET.SubElement(element, "packagelist")
        for name in sorted(names):
            ET.SubElement(packages, "packagereq", type="mandatory").text = name
    ET.indent(comps)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(comps, encoding="unicode")}\n'
