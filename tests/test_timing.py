"""A test that measures time or has a real engine, and fails, runs once more, alone."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = """\
from pathlib import Path

import pytest

RUNS = Path(__file__).with_name("runs")


def run():
    with RUNS.open("a") as file:
        file.write("run\\n")
    return len(RUNS.read_text().split())


@pytest.mark.timing
def test_slow():
    assert run() {compared}, "too slow"


def test_other():
    assert {other}
"""


def run(
    directory: Path, workers: int, *, compared: str, other: bool = True
) -> subprocess.CompletedProcess[str]:
    return run_tests(directory, workers, TESTS.format(compared=compared, other=other))


def run_tests(directory: Path, workers: int, content: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_it.py").write_text(content)
    (directory / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n    timing: measures time\n    podman: an engine\n"
    )
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"-n{workers}",
        "-p",
        "tests.timing",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*argv, f"--rootdir={directory}", "-c", str(directory / "pytest.ini"), str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


ENGINE_TESTS = """\
from pathlib import Path

import pytest


@pytest.mark.podman
@pytest.mark.parametrize("number", range({count}))
def test_engine(number):
    seen = Path(__file__).with_name(f"seen{{number}}")
    was_there = seen.exists()
    seen.touch()
    assert was_there, "disturbed"


@pytest.fixture
def broken():
    seen = Path(__file__).with_name("set up")
    was_there = seen.exists()
    seen.touch()
    assert was_there, "not set up"


@pytest.mark.podman
def test_fixture(broken):
    pass
"""


def runs(directory: Path) -> int:
    return len((directory / "runs").read_text().split())


@pytest.mark.parametrize("workers", [0, 2])
def test_the_second_run_decides(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, workers, compared="> 1")
    assert done.returncode == 0, done.stdout
    assert runs(tmp_path) == 2
    assert (
        "test_it.py::test_slow\n    first:  failed: AssertionError: too slow\n    second: passed"
        in done.stdout
    )
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_one_that_fails_twice_has_failed(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, workers, compared="> 9")
    assert done.returncode == 1, done.stdout
    assert runs(tmp_path) == 2
    assert "    second: failed: AssertionError: too slow" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_one_that_passes_runs_once(tmp_path: Path) -> None:
    done = run(tmp_path, 0, compared="> 0")
    assert done.returncode == 0
    assert runs(tmp_path) == 1
    assert "once more" not in done.stdout


def test_what_measures_no_time_has_failed_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, 0, compared="> 0", other=False)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_engines_that_were_disturbed_are_tried_again(tmp_path: Path, workers: int) -> None:
    done = run_tests(tmp_path, workers, ENGINE_TESTS.format(count=3))
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
    assert "first:  failed: AssertionError: disturbed" in done.stdout
    assert "not set up" in done.stdout


@pytest.mark.parametrize("workers", [0, 2])
def test_many_engines_that_fail_have_failed(tmp_path: Path, workers: int) -> None:
    done = run_tests(tmp_path, workers, ENGINE_TESTS.format(count=5))
    assert done.returncode == 1, done.stdout
    assert "6 failed" in done.stdout or "5 failed, 1 error" in done.stdout, done.stdout
