"""Packages that a test makes itself, with this machine's programs. They live in the test's directory."""

import subprocess
from pathlib import Path

SPEC = """\
Name: {name}
Version: 1
Release: 1
Summary: A source package of a test
License: MIT
{head}
%description
{name}.

%prep

%build
{build}

%files
"""


def source_package(
    directory: Path, name: str, *, head: str = "", build: str = "true", define: str = "unused 1"
) -> Path:
    """A source package; `define` is a macro that only its making knows."""
    spec = directory / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, head=head, build=build))
    made = ["rpmbuild", "-bs", "--nodeps", "--define", f"_topdir {directory}", "--define", define, str(spec)]
    subprocess.run(made, check=True, capture_output=True)
    return directory / "SRPMS" / f"{name}-1-1.src.rpm"


def file_of(package: Path, name: str) -> bytes:
    """What a file of a package holds, by its path in it without the first slash."""
    with package.open("rb") as file:
        archive = subprocess.run(
            ["rpm2archive", "--nocompression"], stdin=file, check=True, capture_output=True
        ).stdout
    extract = ["tar", "--extract", "--to-stdout", f"./{name}"]
    return subprocess.run(extract, input=archive, check=True, capture_output=True).stdout


def repository(directory: Path, *options: str) -> Path:
    """Metadata of the packages below a directory, which a task image of any release can read."""
    made = [
        "createrepo_c",
        "--quiet",
        "--no-database",
        "--general-compress-type=gz",
        *options,
        str(directory),
    ]
    subprocess.run(made, check=True, capture_output=True)
    return directory
