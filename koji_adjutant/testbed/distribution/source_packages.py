"""The source packages: small ones that each exercise one thing, and one real program.

Each lies in data/sources/NAME as NAME.spec, sources of its own, and src/, which becomes NAME-VERSION.tar.gz.
"""

import gzip
import io
import os
import re
import shutil
import tarfile
from pathlib import Path

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.programs import EPOCH
from koji_adjutant.testbed.distribution.recipe import DATA
from koji_adjutant.testbed.distribution.spec import pack_source
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS, Tools

# The real program: a source package of ours, made of the upstream tarball of a source package of Debian.
LONG = "long"
_LONG_SOURCE = "bash"
_VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)


def source_names() -> list[str]:
    return sorted(path.name for path in (DATA / "sources").iterdir() if path.is_dir())


def tarball(source: Path, top: str) -> bytes:
    """A tar.gz of the files below `source`, the same bytes every time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            info = tarfile.TarInfo(f"{top}/{path.relative_to(source)}")
            content = path.read_bytes()
            info.size, info.mtime, info.mode = len(content), EPOCH, 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=EPOCH)


def prepare(name: str, work: Path, archive: Archive) -> None:
    """Lay out SPECS and SOURCES of source package `name` below `work`."""
    origin, sources, specs = DATA / "sources" / name, work / "SOURCES", work / "SPECS"
    sources.mkdir(parents=True)
    specs.mkdir()
    spec = (origin / f"{name}.spec").read_text()
    if name == LONG:
        upstream = archive.source(_LONG_SOURCE)
        spec = spec.replace("@TARBALL@", upstream.name).replace("@VERSION@", upstream_version(upstream.name))
        shutil.copyfile(upstream, sources / upstream.name)
    if (origin / "src").is_dir():
        top = f"{name}-{spec_version(spec)}"
        (sources / f"{top}.tar.gz").write_bytes(tarball(origin / "src", top))
    for path in origin.iterdir():
        if path.is_file() and path.suffix != ".spec":
            shutil.copyfile(path, sources / path.name)
    (specs / f"{name}.spec").write_text(spec)
    for path in [*sources.iterdir(), *specs.iterdir()]:
        path.chmod(0o644)
        os.utime(path, (EPOCH, EPOCH))


def spec_version(spec: str) -> str:
    match = _VERSION.search(spec)
    if match is None:
        raise ValueError("a spec without a version")
    return match[1]


def upstream_version(tarball_name: str) -> str:
    """`bash_5.2.15.orig.tar.gz` -> `5.2.15`."""
    return tarball_name.partition("_")[2].partition(".orig.tar")[0]


def make_source_package(
    name: str, work: Path, archive: Archive, packages: Path, tools: Tools = HOST_TOOLS
) -> None:
    prepare(name, work, archive)
    pack_source(f"SPECS/{name}.spec", work, packages, tools)
