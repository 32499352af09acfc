"""Repo metadata written by hand: packages that exist only in it."""

import bz2
import gzip
import hashlib
import lzma
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

SIGNS = {"=": "EQ", ">=": "GE", "<=": "LE", ">": "GT", "<": "LT"}


def zstd(data: bytes) -> bytes:
    """What the program of that name makes of it."""
    return subprocess.run(["zstd", "--quiet", "--stdout"], input=data, capture_output=True, check=True).stdout


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}
"""By the end of a file's name."""


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
    obsoletes: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    supplements: tuple[str, ...] = ()
    epoch: int = 0
    vendor: str = ""
    files: tuple[str, ...] = ()
    """Those that primary metadata has."""
    odd_files: tuple[str, ...] = ()
    base: str = ""

    @property
    def evr(self) -> str:
        """[epoch:]version-release."""
        return f"{f'{self.epoch}:' if self.epoch else ''}{self.version}-{self.release}"

    @property
    def nevra(self) -> str:
        return f"{self.name}-{self.evr}.{self.arch}"

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


def split_evr(evr: str) -> tuple[str, str, str]:
    """Epoch, version and release, of which the first and the last may be missing."""
    epoch, colon, rest = evr.rpartition(":")
    version, _, release = rest.partition("-")
    return epoch if colon else "0", version, release


def entries(kind: str, relations: Sequence[str]) -> str:
    rows = []
    for relation in relations:
        words = [relation] if relation.startswith("(") else relation.split()
        flags = ""
        if len(words) > 1:
            epoch, version, release = split_evr(words[2])
            flags = f' flags="{SIGNS[words[1]]}" epoch="{epoch}" ver="{version}"'
            flags += f' rel="{release}"' if release else ""
        rows.append(f"<rpm:entry name={quoteattr(words[0])}{flags}/>")
    return f"<rpm:{kind}>{''.join(rows)}</rpm:{kind}>" if rows else ""


def primary_entry(package: Package) -> str:
    itself = f"{package.name} = {package.evr}"
    base = f' xml:base="{package.base}"' if package.base else ""
    vendor = f"<rpm:vendor>{escape(package.vendor)}</rpm:vendor>" if package.vendor else ""
    relations = {
        "provides": (itself, *package.provides),
        "requires": package.requires,
        "conflicts": package.conflicts,
        "obsoletes": package.obsoletes,
        "recommends": package.recommends,
        "supplements": package.supplements,
    }
    return (
        f'<package type="rpm"><name>{package.name}</name><arch>{package.arch}</arch>'
        f'<version epoch="{package.epoch}" ver="{package.version}" rel="{package.release}"/>'
        f'<checksum type="sha256" pkgid="YES">{package.checksum}</checksum><summary/><description/>'
        f'<time file="1" build="1"/><size package="{len(package.content)}" installed="1" archive="1"/>'
        f'<location{base} href="Packages/{package.file}"/><format><rpm:license>MIT</rpm:license>{vendor}'
        f"{''.join(entries(kind, texts) for kind, texts in relations.items())}"
        f"{''.join(f'<file>{escape(path)}</file>' for path in package.files)}</format></package>"
    )


def filelists_entry(package: Package) -> str:
    files = "".join(f"<file>{escape(path)}</file>" for path in (*package.files, *package.odd_files))
    return (
        f'<package pkgid="{package.checksum}" name="{package.name}" arch="{package.arch}">'
        f'<version epoch="{package.epoch}" ver="{package.version}" rel="{package.release}"/>{files}</package>'
    )


def comps(group: str, packages: Sequence[str]) -> str:
    rows = "".join(f'<packagereq type="mandatory">{name}</packagereq>' for name in packages)
    return (
        f"<comps><group><id>{group}</id><name>{group}</name><default>false</default>"
        f"<uservisible>true</uservisible><packagelist>{rows}</packagelist></group></comps>"
    )


def write_xml_repo(
    repo: Path,
    packages: Sequence[Package],
    group: Sequence[str] = (),
    modules: str = "",
    *,
    compression: str = "gz",
) -> Path:
    """A repo whose group `build` has the packages `group`, with a file for each package."""
    count = len(packages)
    files = {
        f"primary.xml.{compression}": '<metadata xmlns="http://linux.duke.edu/metadata/common" '
        f'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="{count}">'
        f"{''.join(map(primary_entry, packages))}</metadata>",
        f"filelists.xml.{compression}": '<filelists xmlns="http://linux.duke.edu/metadata/filelists" '
        f'packages="{count}">'
        f"{''.join(map(filelists_entry, packages))}</filelists>",
        "group.xml": comps("build", group),
    }
    if compression != "gz":
        files[f"group.xml.{compression}"] = files.pop("group.xml")
    if modules:
        files["modules.yaml"] = modules
    (repo / "repodata").mkdir(parents=True, exist_ok=True)
    (repo / "Packages").mkdir(exist_ok=True)
    for package in packages:
        (repo / "Packages" / package.file).write_bytes(package.content)
    rows = []
    for name, text in files.items():
        pack = COMPRESSIONS.get(name.rpartition(".")[2])
        data = pack(text.encode()) if pack else text.encode()
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
