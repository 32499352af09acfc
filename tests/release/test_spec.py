"""The spec says what pyproject.toml says, and has no macro that only some distributions have."""

import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

from koji_adjutant import __version__
from koji_adjutant.testbed.additions.repository import WHEELS
from koji_adjutant.testbed.distribution.python_metadata import required
from release.srpm import SPEC, make_srpm

ROOT = Path(__file__).resolve().parents[2]
OF_RPM = frozenset(
    {
        *(
            "name",
            "version",
            "release",
            "buildroot",
            "nil",
            "setup",
            "prep",
            "build",
            "install",
            "files",
            "package",
        ),
        *(
            "description",
            "pre",
            "post",
            "preun",
            "postun",
            "posttrans",
            "dir",
            "doc",
            "license",
            "config",
            "attr",
        ),
        *("_prefix", "_bindir", "_datadir", "_mandir"),
    }
)
"""Sections and macros of rpm itself."""
ENVIRONMENT = {"python_version": "3.11", "python_full_version": "3.11.2", "extra": ""}
_MACRO = re.compile(r"(?<!%)%\{?(?!\?)([a-zA-Z_]+)")


def project() -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return found


def spec_lines(tag: str) -> list[str]:
    lines = (ROOT / SPEC).read_text().partition("\n%description")[0].splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.startswith(f"{tag}:")]


def test_it_requires_what_the_project_requires() -> None:
    wanted = required(project()["dependencies"], ENVIRONMENT, ())
    for tag in ("Requires", "BuildRequires"):
        assert [line for line in spec_lines(tag) if line.startswith("python3dist")] == wanted, tag


def test_its_version_is_the_projects() -> None:
    assert spec_lines("Version") == [__version__]


def test_it_has_only_macros_of_rpm_itself() -> None:
    text = "\n".join(line for line in (ROOT / SPEC).read_text().splitlines() if not line.startswith("#"))
    assert not set(_MACRO.findall(text)) - OF_RPM


def test_wheels_are_those_that_the_tests_pass_with() -> None:
    of_tests = dict(
        line.lower().replace("_", "-").split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    )
    pinned = dict(
        line.partition(" ")[0].lower().replace("_", "-").split("==")
        for line in WHEELS.read_text().splitlines()
        if not line.startswith("#")
    )
    differing = {name for name in pinned.keys() & of_tests.keys() if pinned[name] != of_tests[name]}
    assert not differing, f"{WHEELS} has other versions than constraints.txt"


def test_the_source_package_has_the_tree_and_the_manual(tmp_path: Path) -> None:
    srpm = make_srpm(ROOT, tmp_path, release="0.7")
    assert srpm.name == f"koji-adjutant-{__version__}-0.7.src.rpm"
    defines = ("--define", f"_topdir {tmp_path}", "--define", f"_dbpath {tmp_path / 'db'}")
    subprocess.run(["rpm", "--install", "--nodeps", "--quiet", *defines, str(srpm)], check=True)
    with tarfile.open(tmp_path / "SOURCES" / f"koji-adjutant-{__version__}.tar.gz") as packed:
        names = set(packed.getnames())
    for name in ("pyproject.toml", "koji_adjutant/cli/kojid.py", "documents/man/man8/kojid.8"):
        assert f"koji-adjutant-{__version__}/{name}" in names
    assert not [name for name in names if "/.git/" in name or "/.venv/" in name]
