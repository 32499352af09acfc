"""The testbed's source packages as they lie in a repository: files by name, in each layout that there is."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.source_packages import prepare
from tests.scm.git_repository import Content

SPEC = """\
{head}Name: {name}
Version: 1
Release: 1
Summary: {summary}
License: MIT
BuildArch: noarch
{lines}
%description
{name}.

%files
"""


def distribution_package(name: str) -> dict[str, bytes]:
    """Spec and sources of a source package of the mini distribution, side by side."""
    with tempfile.TemporaryDirectory(prefix="scm-package-") as scratch:
        work = Path(scratch) / name
        prepare(name, work, Archive(Path(scratch)))
        found = [*(work / "SPECS").iterdir(), *(work / "SOURCES").iterdir()]
        return {path.name: path.read_bytes() for path in found}


def in_directories(files: Mapping[str, Content]) -> dict[str, Content]:
    """The same with the spec in SPECS and all else in SOURCES."""
    return {
        f"{'SPECS' if name.endswith('.spec') else 'SOURCES'}/{name}": content
        for name, content in files.items()
    }


def below(directory: str, files: Mapping[str, Content]) -> dict[str, Content]:
    """The same in a directory."""
    return {f"{directory}/{name}": content for name, content in files.items()}


def spec(name: str, lines: str = "", *, summary: str = "A source package of a test", head: str = "") -> str:
    """A spec file; `head` comes before everything else."""
    return SPEC.format(name=name, lines=lines, summary=summary, head=head)


def downloading(url: str, names: list[str], *, options: str = "") -> str:
    """A Makefile whose target `sources` downloads files of a lookaside."""
    lines = "".join(
        f"\tcurl --fail --silent --show-error {options} --output {name} {url}/{name}\n" for name in names
    )
    return f"sources:\n{lines}"
