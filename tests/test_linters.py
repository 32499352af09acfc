"""The linters are tests: what they refuse does not get in. None is skipped; set-up installs them all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LINTERS = {
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
    "mypy": ("-m", "mypy"),
}


def quiet_environment() -> dict[str, str]:
    """Ours, without what makes a child of the tests measure its coverage."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def check(argv: list[str]) -> None:
    done = subprocess.run(
        argv, cwd=ROOT, env=quiet_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


def is_shell(path: Path) -> bool:
    with path.open("rb") as stream:
        first = stream.readline(80)
    return first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"/bash", b" bash", b" sh"))


@pytest.mark.parametrize("linter", LINTERS)
def test_python_is_clean(linter: str) -> None:
    check([sys.executable, *LINTERS[linter]])


def test_shell_is_clean() -> None:
    scripts = [str(path) for path in tracked_files() if path.suffix == ".sh" or is_shell(path)]
    assert str(ROOT / ".ci" / "run") in scripts
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "shellcheck is missing: .ci/setup-debian installs it"
    check([shellcheck, *scripts])
