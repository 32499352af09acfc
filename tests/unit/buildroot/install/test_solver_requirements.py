"""scripts/solve.py on requirements of every kind, with this host's own dnf: what they add and erase."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.buildroot.install.test_solver_script import Run, run_in
from tests.unit.buildroot.rpm_database import write_database
from tests.unit.buildroot.xml_repo import Package

BASE = (
    Package(name="bash", version="2", files=("/usr/bin/bash",)),
    Package(name="gcc", version="12"),
    Package(name="libq-minimal", provides=("libq.so.4",)),
    Package(name="app", requires=("libq.so.4",)),
)
REPO = (
    *BASE,
    Package(name="bash", version="3"),
    Package(name="flex", version="2"),
    Package(name="bison", version="3"),
    Package(name="strace"),
    Package(name="frame", provides=("python3dist(frame)", "python3dist(frame[extra])", "odd*name?", "a{b}c")),
    Package(name="framee", provides=("python3dist(framee)", "oddXnameY")),
    Package(name="libq", provides=("libq.so.4",), conflicts=("libq-minimal",)),
    Package(name="libq-devel", requires=("libq",)),
    Package(name="epochal", epoch=2),
    Package(name="tilde", version="1.0~rc1"),
    Package(name="caret", version="1.0^git1"),
    Package(name="both", provides=("red", "green")),
    Package(name="only-red", provides=("red",)),
    Package(name="share", odd_files=("/usr/share/x/[1]/y",)),
    Package(name="tool", files=("/usr/bin/tool*",)),
    Package(name="selfish", provides=("virtual",), conflicts=("virtual",)),
    Package(name="new-name", obsoletes=("old-name < 5",), provides=("old-name = 5",)),
    Package(name="needs-old-bash", requires=("bash < 2",)),
    Package(name="bash", version="1"),
    Package(name="weak", recommends=("flex",)),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write_database(tmp_path / "root", BASE)
    return run_in(tmp_path, *REPO)


def solved(
    run: Run, *requires: str, allow_erasing: bool = True, **options: str
) -> tuple[list[str], list[str]]:
    """name-version of what is to be installed, and what is to be erased."""
    settings = {"allow_erasing": allow_erasing, "set": list(options.items())}
    answer = run({"requires": list(requires)}, root=str(run.directory / "root"), options=settings)
    assert run.code == 0, answer["problem"]
    return sorted(f"{row['name']}-{row['version']}" for row in answer["install"]), sorted(answer["remove"])


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("(flex and bison)", ["bison-3", "flex-2"]),
        ("(gcc and strace)", ["strace-1"]),
        ("(strace if nonexistent-thing)", []),
        ("(no-such-thing if other-missing-thing)", []),
        ("(strace if bash else flex)", ["strace-1"]),
        ("(strace if nonexistent-thing else flex)", ["flex-2"]),
        ("(flex or bash)", []),
        ("(flex or no-such-thing)", ["flex-2"]),
        ("(red with green)", ["both-1"]),
        ("(red without green)", ["only-red-1"]),
        ("((flex if bash) and (bison or strace) and (strace if gcc))", ["flex-2", "strace-1"]),
        ("python3dist(frame[extra])", ["frame-1"]),
        ("(python3dist(frame[extra]) and flex)", ["flex-2", "frame-1"]),
        ("odd*name?", ["frame-1"]),
        ("a{b}c", ["frame-1"]),
        ("/usr/bin/tool*", ["tool-1"]),
        ("/usr/share/x/[1]/y", ["share-1"]),
        ("/usr/bin/bash", []),
        ("epochal >= 2:0", ["epochal-1"]),
        ("tilde < 1.0", ["tilde-1.0~rc1"]),
        ("caret > 1.0", ["caret-1.0^git1"]),
        ("selfish", ["selfish-1"]),
        ("old-name", ["new-name-1"]),
        ("weak", ["weak-1"]),
        ("bash", []),
        ("gcc = 12", []),
    ],
)
def test_a_requirement(run: Run, requirement: str, expected: Sequence[str]) -> None:
    assert solved(run, requirement) == (expected, [])


@pytest.mark.parametrize(
    ("requirement", "installed", "erased"),
    [
        ("libq-devel", ["libq-1", "libq-devel-1"], ["libq-minimal-1-1.noarch"]),
        ("bash >= 3", ["bash-3"], ["bash-2-1.noarch"]),
        ("needs-old-bash", ["bash-1", "needs-old-bash-1"], ["bash-2-1.noarch"]),
    ],
)
def test_a_requirement_that_changes_the_root(
    run: Run, requirement: str, installed: Sequence[str], erased: Sequence[str]
) -> None:
    assert solved(run, requirement) == (installed, erased)


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("no-such-thing", "No matching package to install: 'no-such-thing'"),
        ("odd*", "No matching package to install: 'odd*'"),
        ("python3dist(frame[extr])", "No matching package to install: 'python3dist(frame[extr])'"),
        ("/usr/bin/tool?", "No matching package to install: '/usr/bin/tool?'"),
        ("/usr/share/x/*/y", "No matching package to install: '/usr/share/x/*/y'"),
        ("flex >= 3", "No matching package to install: 'flex >= 3'"),
        ("FLEX", "No matching package to install: 'FLEX'"),
        ("flex-2", "No matching package to install: 'flex-2'"),
        ("(no-such-thing and flex)", "nothing provides requested (no-such-thing and flex)"),
        # dnf looks for files only where the path is all of the requirement.
        ("(/usr/share/x/[1]/y and flex)", "nothing provides requested (/usr/share/x/[1]/y and flex)"),
        ("(flex and", "'(flex and' is no requirement"),
    ],
)
def test_a_requirement_that_nothing_meets(run: Run, requirement: str, problem: str) -> None:
    assert problem in run.problem({"requires": [requirement]}, root=str(run.directory / "root"))


def test_nothing_is_erased_where_it_is_not_allowed(run: Run) -> None:
    options = {"allow_erasing": False, "set": []}
    problem = run.problem({"requires": ["libq-devel"]}, root=str(run.directory / "root"), options=options)
    assert "conflicts with libq-minimal" in problem
    # Another version in place of one is none that is erased.
    assert solved(run, "needs-old-bash", allow_erasing=False)[1] == ["bash-2-1.noarch"]


def test_an_option_that_dnf_does_not_have(run: Run) -> None:
    options = {"allow_erasing": True, "set": [["bogus", "1"]]}
    problem = run.problem({"requires": ["flex"]}, root=str(run.directory / "root"), options=options)
    assert 'Cannot set "bogus"' in problem


def test_weak_dependencies_are_an_option(run: Run) -> None:
    assert solved(run, "weak", install_weak_deps="1") == (["flex-2", "weak-1"], [])
