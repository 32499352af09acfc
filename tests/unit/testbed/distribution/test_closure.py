"""Which packages an installation takes."""

from pathlib import Path

import pytest

from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed.distribution.closure import Candidate, closure, read_candidates
from tests.unit.buildroot.xml_repo import COMPRESSIONS

PRIMARY = """<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
<package type="rpm"><name>shell</name><location href="Packages/shell-1-1.noarch.rpm"/>
<format><rpm:provides><rpm:entry name="/bin/sh"/></rpm:provides>
<rpm:requires><rpm:entry name="base"/><rpm:entry name="rpmlib(CompressedFileNames)"/></rpm:requires>
<file>/usr/bin/bash</file></format></package>
</metadata>
"""


def candidate(name: str, *requires: str, provides: tuple[str, ...] = ()) -> Candidate:
    return Candidate(
        name=name, location=f"{name}.rpm", provides=frozenset([name, *provides]), requires=requires
    )


def names(candidates: list[Candidate], *wanted: str) -> list[str]:
    return [found.name for found in closure({one.name: one for one in candidates}, wanted)]


def test_requirements_are_followed_through_cycles() -> None:
    packages = [candidate("a", "b"), candidate("b", "c"), candidate("c", "a"), candidate("other")]
    assert names(packages, "a") == ["a", "b", "c"]


def test_of_several_providers_one_that_is_there_already() -> None:
    packages = [
        candidate("awk-big", provides=("awk",)),
        candidate("awk-small", provides=("awk",)),
        candidate("tool", "awk"),
    ]
    assert names(packages, "awk-small", "tool") == ["awk-small", "tool"]
    assert names(packages, "tool") == ["awk-big", "tool"]


def test_the_package_of_that_name_is_preferred() -> None:
    packages = [candidate("a-shell", provides=("shell",)), candidate("shell")]
    assert names(packages, "shell") == ["shell"]


def test_what_nothing_provides_is_named_with_who_wants_it() -> None:
    with pytest.raises(AdjutantError, match="provides missing, which tool requires"):
        names([candidate("tool", "missing")], "tool")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_candidates_of_a_repository(tmp_path: Path, compression: str) -> None:
    (tmp_path / "repodata").mkdir()
    primary = tmp_path / "repodata" / f"primary.xml.{compression}"
    primary.write_bytes(COMPRESSIONS[compression](PRIMARY.encode()))
    assert read_candidates(tmp_path) == {
        "shell": Candidate(
            name="shell",
            location="Packages/shell-1-1.noarch.rpm",
            provides=frozenset(["shell", "/bin/sh", "/usr/bin/bash"]),
            requires=("base",),
        )
    }
