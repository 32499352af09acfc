"""Versions of this project, installed by pip into an environment of their own.

An earlier version is made of its commit in the project's own history, which a clone has unless it is a shallow one. An
environment has the dependencies of the tests' own, and no pip.
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PIP_SECONDS = 300
RELEASED = "ca414e2ac39b6d98111f4784e1e5457d5248a0ef"
"""The version that hosts have."""
SOURCES = ("koji_adjutant", "pyproject.toml", "README.md", "LICENSE")


def wheel_of(source: Path, directory: Path) -> Path:
    """The wheel of a source tree, made by its own rules."""
    pip("wheel", "--no-deps", "--wheel-dir", str(directory), str(source))
    (wheel,) = directory.glob("koji_adjutant-*.whl")
    return wheel


def commit_wheel(commit: str, directory: Path) -> Path:
    """The wheel of a commit."""
    source = directory / "source"
    commit_source(commit, source)
    return wheel_of(source, directory)


def commit_source(commit: str, source: Path) -> None:
    """What an installation needs of a commit's tree, in `source`, which is made."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    there = subprocess.run([*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False)
    assert there.returncode == 0, (
        f"commit {commit}, the version that hosts are upgraded from, is not in {ROOT}: is it a shallow clone? "
        "git fetch --unshallow brings the rest"
    )
    source.mkdir()
    archive = subprocess.run([*git, "archive", commit, *SOURCES], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", str(source)], input=archive, check=True)


def tree_wheel(directory: Path) -> Path:
    """The wheel of this tree as it is, without what an earlier one may have left in `build`."""
    source = directory / "source"
    source.mkdir()
    for name in SOURCES:
        subprocess.run(["cp", "--recursive", str(ROOT / name), str(source)], check=True)
    return wheel_of(source, directory)


def pip(*arguments: str, python: Path | None = None) -> None:
    """pip of this environment, working on that of `python`."""
    other = ["--python", str(python)] if python else []
    argv = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *other]
    done = subprocess.run(
        [*argv, *arguments], capture_output=True, text=True, timeout=PIP_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, kw_only=True)
class Installation:
    """An environment of its own, in which one version is at a time."""

    prefix: Path

    @classmethod
    def make(cls, prefix: Path) -> "Installation":
        """An environment without the project, with the dependencies of this one."""
        venv.create(prefix, system_site_packages=True, symlinks=True)
        made = cls(prefix=prefix)
        ours = sysconfig.get_path("purelib")
        # A plain directory: the files in it that would add this tree to the path are not read.
        (made.site / "dependencies.pth").write_text(f"{ours}\n")
        return made

    @property
    def site(self) -> Path:
        return next(self.prefix.glob("lib/python3.*/site-packages"))

    @property
    def programs(self) -> Path:
        return self.prefix / "bin"

    def install(self, wheel: Path) -> None:
        """In place of the version that is there, as a package's upgrade does it."""
        pip("install", "--no-deps", "--force-reinstall", str(wheel), python=self.programs / "python")

    def uninstall(self) -> None:
        pip("uninstall", "--yes", "koji-adjutant", python=self.programs / "python")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`koji-adjutant` of the version that is there."""
        return subprocess.run(
            [self.programs / "koji-adjutant", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def options(self) -> frozenset[str]:
        """Those that the version has in its kojid.conf."""
        example = self.run("config", "example").stdout
        return frozenset(re.findall(r"^#?([A-Za-z_]+) =", example, re.MULTILINE))
