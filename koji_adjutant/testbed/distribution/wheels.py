"""Wheels of PyPI as trees of the distribution, beside those of Debian's packages.

Which ones is pinned, hashes included, in a file of pip's format; pip brings them to a directory of ours, where they
stay for the next run. A wheel's modules go where the distribution's interpreter looks, its entry points become
programs, and what it requires is said by the names that every package of Python modules provides (`trees`).
"""

import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from koji_adjutant.testbed.distribution.programs import run
from koji_adjutant.testbed.distribution.python_metadata import (
    PythonPackage,
    parse_metadata,
    programs,
    required,
)
from koji_adjutant.testbed.distribution.trees import Tree, paths_below

MODULES = Path("usr/lib/python3/dist-packages")
PROGRAMS = Path("usr/bin")
MANYLINUX = ("manylinux_2_28", "manylinux2014")
NEEDED_BY_MANYLINUX = ("glibc", "libgcc", "libstdc++")
"""What a wheel with machine code may want of its system, in RPM names."""
RELEASE = 1


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """The distribution's Python: `version` is all of its version."""

    version: str
    machine: str

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def environment(self) -> Mapping[str, str]:
        """What markers of requirements ask for."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": self.version,
            "python_version": self.minor,
            "sys_platform": "linux",
        }


def wheel_trees(
    pins: Path, kept: Path, work: Path, interpreter: Interpreter, architecture: str
) -> list[Tree]:
    """The trees of the wheels that `pins` names, below `work`; Debian calls the machine `architecture`."""
    extras = wanted_extras(pins.read_text())
    return [
        unpack_wheel(wheel, work, interpreter, extras, architecture)
        for wheel in fetch(pins, kept, interpreter)
    ]


def wanted_extras(pins: str) -> dict[str, frozenset[str]]:
    """Name of each pinned package -> its extras."""
    lines = (line.partition("--hash")[0].strip() for line in pins.splitlines() if line[:1] not in {"", "#"})
    return {
        canonicalize_name(requirement.name): frozenset(requirement.extras)
        for requirement in map(Requirement, lines)
    }


def fetch(pins: Path, kept: Path, interpreter: Interpreter) -> list[Path]:
    """The wheels, sorted by name, below `kept`; pip is asked only when the pins have changed."""
    asked = f"{interpreter.minor} {interpreter.machine}\n".encode() + pins.read_bytes()
    directory = kept / hashlib.sha256(asked).hexdigest()[:16]
    if not directory.is_dir():
        kept.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="incoming-", dir=kept) as incoming:
            whole = Path(incoming) / directory.name
            _download(pins, whole, interpreter)
            for old in kept.iterdir():
                if old != Path(incoming):
                    shutil.rmtree(old)
            whole.rename(directory)
    return sorted(directory.glob("*.whl"))


def _download(pins: Path, directory: Path, interpreter: Interpreter) -> None:
    platforms = [f"{name}_{interpreter.machine}" for name in MANYLINUX]
    run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes"),
            *("--implementation", "cp", "--python-version", interpreter.minor),
            *(word for platform in platforms for word in ("--platform", platform)),
            *("--dest", directory, "--requirement", pins),
        ]
    )


def unpack_wheel(
    wheel: Path,
    work: Path,
    interpreter: Interpreter,
    extras: Mapping[str, Iterable[str]],
    architecture: str,
) -> Tree:
    """Unpack a wheel to a directory below `work` that has its package's name."""
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        content = Path(scratch) / "content"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(content)
        (info,) = content.glob("*.dist-info")
        package = parse_metadata((info / "METADATA").read_text())
        entry_points = info / "entry_points.txt"
        scripts = programs(entry_points.read_text()) if entry_points.exists() else {}
        is_pure = "Root-Is-Purelib: true" in (info / "WHEEL").read_text()
        root = Path(scratch) / "root"
        _lay_out(content, root, scripts)
        name, alias = package_names(package, has_programs=(root / PROGRAMS).is_dir())
        requires = required(package.requires, interpreter.environment, extras.get(package.name, ()))
        root = root.rename(work / name)
    return Tree(
        root=root,
        fields={
            "Package": name,
            "Version": f"{package.version}-{RELEASE}",
            "Architecture": "all" if is_pure else architecture,
            "Description": package.summary,
        },
        paths=paths_below(root),
        commands=(),
        conffiles=frozenset(),
        requires=("python3", *requires, *(() if is_pure else NEEDED_BY_MANYLINUX)),
        provides=(f"{alias} = {package.version}-{RELEASE}",),
    )


def package_names(package: PythonPackage, *, has_programs: bool) -> tuple[str, str]:
    """What the package is called, and what else it is asked for by: who has programs is called like them."""
    plain, prefixed = package.name, f"python3-{package.name}"
    return (plain, prefixed) if has_programs else (prefixed, plain)


def _lay_out(content: Path, root: Path, scripts: Mapping[str, str]) -> None:
    """Put what was unpacked where it belongs below `root`, with the modes that it would be installed with."""
    modules, data = root / MODULES, list(content.glob("*.data"))
    modules.parent.mkdir(parents=True)
    content.rename(modules)
    for directory in data:
        for part in (modules / directory.name).iterdir():
            place = {"scripts": PROGRAMS, "data": Path("usr")}.get(part.name, MODULES)
            shutil.copytree(part, root / place, dirs_exist_ok=True)
        shutil.rmtree(modules / directory.name)
    for record in modules.glob("*.dist-info/RECORD"):
        # rpm has a list of its own.
        record.unlink()
    for name, text in scripts.items():
        (root / PROGRAMS).mkdir(exist_ok=True)
        (root / PROGRAMS / name).write_text(text)
    for path in root.rglob("*"):
        if path.is_file() and path.parent == root / PROGRAMS:
            # Where a wheel leaves the interpreter open.
            path.write_bytes(path.read_bytes().replace(b"#!python\n", b"#!/usr/bin/python3\n", 1))
        path.chmod(0o755 if path.is_dir() or path.parent == root / PROGRAMS else 0o644)
    root.chmod(0o755)
