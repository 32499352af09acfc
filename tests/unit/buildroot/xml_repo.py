"""Repo metadata written by hand: packages that exist only in it."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

SIGNS = {"=": "EQ", ">=": "GE", "<=": "LE", ">": "GT", "<": "LT"}


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the repo; relations are written as in a spec file."""

    name: str
    version: str = "1"
    release: str = "1"
    arch: str = "noarch"
    provides: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Those that primary metadata has."""
    odd_files: tuple[str, ...] = ()
    base: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-{self.release}.{self.arch}.rpm"

    @property
    def content(self) -> bytes:
        """What the file of the package would be."""
        return self.file.encode()

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def entries(kind: str, relations: Sequence[str]) -> str:
    rows = []
    for relation in relations:
        words = [relation] if relation.startswith("(") else relation.split()
        flags = f' flags="{SIGNS[words[1]]}" epoch="0" ver="{words[2]}"' if len(words) > 1 else ""
        rows.append(f'<rpm:entry name="{escape(words[0])}"{flags}/>')
    return f"<rpm:{kind}>{''.join(rows)}</rpm:{kind}>" if rows else ""


def primary_entry(package: Package) -> str:
    itself = f"{package.name} = {package.version}"
    base = f' xml:base="{package.base}"' if package.base else ""
    return (
        f'<package type="rpm"><name>{package.name}</name><arch>{package.arch}</arch>'
        f'<version epoch="0" ver="{package.version}" rel="{package.release}"/>'
        f'<checksum type="sha256" pkgid="YES">{package.checksum}</checksum><summary/><description/>'
        f'<time file="1" build="1"/><size package="{len(package.content)}" installed="1" archive="1"/>'
        f'<location{base} href="Packages/{package.file}"/><format><rpm:license>MIT</rpm:license>'
        f"{entries('provides', (itself, *package.provides))}{entries('requires', package.requires)}"
        f"{entries('conflicts', package.conflicts)}"
        f"{''.join(f'<file>{path}</file>' for path in package.files)}</format></package>"
    )


def filelists_entry(package: Package) -> str:
    files = "".join(f"<file>{path}</file>" for path in (*package.files, *package.odd_files))
    return (
        f'<package pkgid="{package.checksum}" name="{package.name}" arch="{package.arch}">'
        f'<version epoch="0" ver="{package.version}" rel="{package.release}"/>{files}</package>'
    )


def comps(group: str, packages: Sequence[str]) -> str:
    rows = "".join(f'<packagereq type="mandatory">{name}</packagereq>' for name in packages)
    return (
        f"<comps><group><id>{group}</id><name>{group}</name><default>false</default>"
        f"<uservisible>true</uservisible><packagelist>{rows}</packagelist></group></comps>"
    )


def write_xml_repo(
    repo: Path, packages: Sequence[Package], group: Sequence[str] = (), modules: str = ""
) -> Path:
    """A repo whose group `build` has the packages `group`, with a file for each package."""
    count = len(packages)
    files = {
        "primary.xml.gz": '<metadata xmlns="http://linux.duke.edu/metadata/common" '
        f'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{count}">'
        f"{''.join(map(primary_entry, packages))}</metadata>",
        "filelists.xml.gz": f'<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="{count}">'
        f"{''.join(map(filelists_entry, packages))}</filelists>",
        "group.xml": comps("build", group),
    }
    if modules:
        files["modules.yaml"] = modules
    (repo / "repodata").mkdir(parents=True, exist_ok=True)
    (repo / "Packages").mkdir(exist_ok=True)
    for package in packages:
        (repo / "Packages" / package.file).write_bytes(package.content)
    rows = []
    for name, text in files.items():
        data = gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode()
        (repo / "repodata" / name).write_bytes(data)
        rows.append(
            f'<data type="{name.partition(".")[0]}"><checksum type="sha256">{hashlib.sha256(data).hexdigest()}'
            f'</checksum><location href="repodata/{name}"/><size>{len(data)}</size></data>'
        )
    repomd = (
        f'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>{"".join(rows)}</repomd>'
    )
    (repo / "repodata" / "repomd.xml").write_text(repomd)
    return repo
