"""Real packages of what a draw has only in metadata, made by this machine's rpmbuild below a test's directory."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.unit.buildroot.xml_repo import Package

HEAD = """\
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _binary_payload w1.gzdio
Name: drawn
Version: 1
Release: 1
Summary: Packages of a draw
License: MIT
%description
Packages of a draw.
"""
RELATIONS = ("provides", "requires", "conflicts", "obsoletes", "recommends", "supplements")


def make_packages(packages: Iterable[Package], directory: Path) -> dict[str, Path]:
    """The file of each package, by its NEVRA."""
    left = list(packages)
    while left:
        # A spec file has a name once, and one architecture beside noarch.
        arch = "i686" if left[0].arch == "i686" else "x86_64"
        names: dict[str, Package] = {}
        for package in left:
            if package.arch in {arch, "noarch"}:
                names.setdefault(package.name, package)
        _build(list(names.values()), arch, directory)
        left = [package for package in left if package not in names.values()]
    listed = [
        "rpm",
        "-qp",
        "--nosignature",
        "--qf",
        "%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\n",
    ]
    files = sorted((directory / "Packages").glob("*.rpm"))
    found = subprocess.run([*listed, *files], check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(zip(found, files, strict=True))


def _build(packages: Sequence[Package], arch: str, directory: Path) -> None:
    spec = directory / "drawn.spec"
    install = "".join(_creation(path) for package in packages for path in _files(package))
    spec.write_text(HEAD + "".join(map(_section, packages)) + f"%install\n{install}")
    defines = {
        "_topdir": str(directory / "work"),
        "_rpmdir": str(directory / "Packages"),
        "_rpmfilename": "%%{NAME}-%%{EPOCHNUM}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    }
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    subprocess.run(
        ["rpmbuild", "-bb", "--nodeps", "--quiet", "--target", arch, *words, str(spec)],
        check=True,
        capture_output=True,
    )


def _section(package: Package) -> str:
    rows = [
        f"%package -n {package.name}",
        f"Version: {package.version}",
        f"Release: {package.release}",
        "Summary: A package of a draw",
        *([f"Epoch: {package.epoch}"] if package.epoch else []),
        *(["BuildArch: noarch"] if package.arch == "noarch" else []),
        *([f"Vendor: {package.vendor}"] if package.vendor else []),
        *(f"{kind.title()}: {text}" for kind in RELATIONS for text in getattr(package, kind)),
        f"%description -n {package.name}",
        "A package of a draw.",
        f"%files -n {package.name}",
        # rpmbuild takes a path with such a character for a pattern, and finds no file by one that has it escaped.
        *(re.sub(r"[][*?{}]", "?", path) for path in _files(package)),
    ]
    return "\n".join(rows) + "\n"


def _files(package: Package) -> tuple[str, ...]:
    return (*package.files, *package.odd_files)


def _creation(path: str) -> str:
    return f"mkdir -p '%{{buildroot}}{path.rpartition('/')[0]}'\ntouch '%{{buildroot}}{path}'\n"
