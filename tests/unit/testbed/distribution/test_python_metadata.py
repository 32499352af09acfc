"""Names, versions, requirements and programs of Python's packages, in RPM's terms."""

import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.python_metadata import (
    parse_metadata,
    programs,
    provided,
    required,
    rpm_version,
)

METADATA = """\
Metadata-Version: 2.1
Name: Some.Thing
Version: 1.20.0
Requires-Dist: other-thing<2.0.0,>=0.1.4
Requires-Dist: colour; sys_platform == "win32"
Requires-Dist: git>=1; (python_version >= "3.10") and extra == "git"
Requires-Dist: git>=0; (python_version < "3.10") and extra == "git"

Description: not a field
"""
LINUX = {"sys_platform": "linux", "python_version": "3.11"}


def test_metadata_are_fields_and_nothing_of_the_description() -> None:
    package = parse_metadata(METADATA)
    assert (package.name, package.version, package.summary) == ("some-thing", "1.20.0", "Some.Thing")
    assert len(package.requires) == 4
    assert provided(package) == "python3dist(some-thing) = 1.20"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.0.0", "1"),
        ("10", "10"),
        ("0.0", "0"),
        ("2.1", "2.1"),
        ("1.0rc1", "1~rc1"),
        ("1.0.dev3", "1~dev3"),
        ("1.0b2.dev3", "1~b2dev3"),
        ("4.18.0+dfsg", "4.18"),
        ("1.0.post4", "1.post4"),
    ],
)
def test_versions_are_those_of_rpms_generator(text: str, version: str) -> None:
    assert rpm_version(text) == version


def test_requirements_are_those_of_this_machine_and_of_the_extras() -> None:
    requires = parse_metadata(METADATA).requires
    plain = ["python3dist(other-thing) < 2", "python3dist(other-thing) >= 0.1.4"]
    assert required(requires, LINUX, ()) == plain
    assert required(requires, LINUX, ["git", "unknown"]) == ["python3dist(git) >= 1", *plain]


@pytest.mark.parametrize(
    ("specifier", "bounds"),
    [
        ("", [""]),
        ("==1.5", [" = 1.5"]),
        ("==1.5.*", [" < 1.6", " >= 1.5"]),
        ("~=1.5.2", [" < 1.6", " >= 1.5.2"]),
        ("~=1.5", [" < 2", " >= 1.5"]),
        (">1,<=3.0", [" <= 3", " > 1"]),
        ("!=2", [""]),
        ("!=2,>1", [" > 1"]),
    ],
)
def test_bounds(specifier: str, bounds: list[str]) -> None:
    assert required([f"a{specifier}"], LINUX, ()) == [f"python3dist(a){bound}" for bound in bounds]


def test_entry_points_are_programs_that_run(tmp_path: Path) -> None:
    made = programs(
        "[console_scripts]\nOne = pack.age:Cli.main [extra]\n\n[other]\nx = y:z\n[gui_scripts]\ntwo=pack:two\n"
    )
    assert sorted(made) == ["One", "two"]
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "age.py").write_text(
        "class Cli:\n    @staticmethod\n    def main():\n        return 7\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", made["One"]], env={"PYTHONPATH": str(tmp_path)}, check=False
    )
    assert ended.returncode == 7
