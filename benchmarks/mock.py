"""What a user would pick instead: mock, run here when its command is given, else as it was once recorded.

A real mock is asked for what kojid asks of it for one build, with the configuration that Koji's own library writes.
"""

import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import koji

from benchmarks.bench_testbed import BenchFailed, BenchTestbed
from benchmarks.figures import Against
from koji_adjutant.testbed.content import BUILD_TAG

NAME = "bench"
RELEASEVER = "1"


class Mock(Protocol):
    """Seconds of a whole build with mock."""

    def build(self, package: str) -> Against | None: ...


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Medians of five that mock 6.7 took for the mini distribution on two cores, ext4 with a journal."""

    SECONDS: Mapping[str, float]

    def build(self, package: str) -> Against | None:
        seconds = self.SECONDS.get(package)
        return (
            None
            if seconds is None
            else Against(what="mock 6.7, recorded earlier, not in this run", value=seconds)
        )


RECORDED = Recorded(SECONDS={"hello": 5.53, "needsdeps": 7.55, "long": 39.65, "chatty": 14.4})


@dataclass(frozen=True, kw_only=True)
class RealMock:
    """`command` takes mock's arguments, and sees to it that mock is run as a user that mock accepts."""

    command: Path
    directory: Path
    testbed: BenchTestbed

    def build(self, package: str) -> Against | None:
        """init, uname, rebuild and clean, as a kojid runs them."""
        configuration = self._configuration()
        # Where mock's user can read it.
        srpm = shutil.copy(self.testbed.description.srpms[package], self.directory)
        began = time.monotonic()
        for words in (["--init"], ["--chroot", "uname -r"], ["--no-clean", "--rebuild", srpm], ["--clean"]):
            self._run(configuration, *words)
        return Against(what=f"mock, by {self.command.name}", value=time.monotonic() - began)

    def _run(self, configuration: Path, *words: str) -> None:
        options = (
            f"--root={configuration}",
            f"--resultdir={self.directory}/result",
            "--isolation=simple",
        )
        done = subprocess.run(
            [str(self.command), *options, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchFailed(
                f"{self.command} {' '.join(words)} ended with {done.returncode}: {done.stdout[-2000:]}"
            )

    def _configuration(self) -> Path:
        file = self.directory / f"{NAME}.cfg"
        if not file.exists():
            self.directory.mkdir()
            self.directory.chmod(0o1777)
            generate = cast("Any", koji.genMockConfig)
            file.write_text(
                generate(
                    NAME,
                    self.testbed.description.arch,
                    repoid=self.testbed.session.getRepo(BUILD_TAG)["id"],
                    tag_name=BUILD_TAG,
                    topurl=self.testbed.description.topurl,
                    mockdir=str(self.directory / "roots"),
                    install_group="build",
                    package_manager="dnf",
                    releasever=RELEASEVER,
                    use_bootstrap=False,
                )
            )
        return file


class Spread:
    """Collects what mock takes, round by round; recorded figures do not change."""

    def __init__(self, mock: Mock, package: str) -> None:
        self._mock = mock
        self._package = package
        self._seen: list[Against] = []

    def take(self) -> None:
        """Measure one run of mock, beside one of the daemon."""
        if isinstance(self._mock, RealMock) or not self._seen:
            found = self._mock.build(self._package)
            self._seen += [found] if found else []

    def against(self) -> Against | None:
        """The median of what was taken."""
        ordered = sorted(self._seen, key=lambda one: one.value)
        return ordered[len(ordered) // 2] if ordered else None
