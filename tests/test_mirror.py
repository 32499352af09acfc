"""The shape of the tests: they mirror the rooms of the package, and pytest collects every file of them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
PACKAGE = ROOT / "koji_adjutant"
KINDS = ("unit", "contract", "integration")
"""Where the tests of a module may be, by what they need; each has the package's rooms."""
MOST_WITHOUT = 0.10
"""The share of modules that need no test file of their own: what they do shows in those of their neighbours."""
NO_SUBJECT = frozenset({"__init__", "__main__"})


def modules() -> Iterator[Path]:
    """The modules of the package, without what runs elsewhere, below the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "scripts" not in path.parts and path.stem not in NO_SUBJECT:
            yield path.relative_to(PACKAGE)


def files_of_tests() -> Iterator[Path]:
    """Everything that is to be collected, below tests."""
    for directory, _, names in os.walk(TESTS):
        for name in sorted(names):
            if name.startswith("test_") and name.endswith(".py"):
                yield Path(directory, name).relative_to(TESTS)


def module_of(test: Path, known: frozenset[Path]) -> Path | None:
    """The module that a test file is of: `test_<module>.py`, or `test_<module>_<subject>.py`, in the same room."""
    room = Path(*test.parts[1:-1])
    words = test.stem.removeprefix("test_").split("_")
    names = ("_".join(words[:end]) for end in range(len(words), 0, -1))
    return next((found for name in names if (found := room / f"{name}.py") in known), None)


def without_tests() -> list[Path]:
    known = frozenset(modules())
    tested = {module_of(test, known) for test in files_of_tests() if test.parts[0] in KINDS}
    return sorted(known - tested)


def test_modules_have_tests_where_they_are_looked_for() -> None:
    missing, number = without_tests(), len(list(modules()))
    listed = "\n".join(map(str, missing))
    assert len(missing) <= number * MOST_WITHOUT, f"{len(missing)} of {number} modules:\n{listed}"


def test_a_test_file_belongs_to_the_longest_name() -> None:
    known = frozenset({Path("build/build.py"), Path("build/build_plan.py")})
    found = [
        module_of(Path("unit/build", name), known) for name in ("test_build_plan.py", "test_build_ways.py")
    ]
    assert found == [Path("build/build_plan.py"), Path("build/build.py")]
    assert module_of(Path("unit/other/test_build.py"), known) is None


def test_every_test_file_is_collected() -> None:
    """pytest leaves out directories of some names, `build` among them, unless it is told."""
    argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*argv, "-p", "tests.file_collector", "tests"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    collected = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}
    missing = [str(path) for path in files_of_tests() if f"tests/{path}" not in collected]
    assert not missing, f"not collected: {missing}"
