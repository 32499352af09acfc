"""A root file system that packages are installed into, as a build host would have them. It goes with its directory."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from koji_adjutant.testbed.distribution.roots import DATABASE

SCRIPTS = Path(__file__).parent / "scripts"
WITH_ROOT = SCRIPTS.parents[1] / "scripts" / "with-root.sh"
CLEAN = ("env", "--ignore-environment", "PATH=/usr/bin:/usr/sbin", "LANG=C.UTF-8", "HOME=/root")
SECONDS = 300
SYSTEMCTL_LOG, DAEMON_PID = Path("var/log/systemctl"), Path("run/kojid.pid")


@dataclass(frozen=True, kw_only=True)
class Root:
    """`repos`: the repositories that there are, by name; `shared`: directories of this machine that it sees."""

    path: Path
    repos: Mapping[str, Path]
    shared: Sequence[Path] = ()

    def copy(self, path: Path, *shared: Path) -> "Root":
        """Another one with the same content."""
        subprocess.run(["cp", "--archive", "--reflink=auto", self.path, path], check=True)
        return replace(self, path=path, shared=shared)

    def dnf(self, *words: str, repos: Mapping[str, Path] | None = None) -> str:
        """This machine's dnf, on this root, with `repos` or the repositories of the root; what it said."""
        home = self.path.with_name(f"{self.path.name}-home")
        home.mkdir(exist_ok=True)
        # Where the distribution's own rpm looks; this machine's may have its database elsewhere.
        (home / ".rpmmacros").write_text(f"%_dbpath {DATABASE}\n")
        # Without plugins: one of them keeps all that was ever installed in a repository of its own.
        argv = [
            *("dnf", "--noplugins", "--assumeyes", "--quiet", "--nogpgcheck", "--releasever=1"),
            *("--setopt=reposdir=/dev/null", "--setopt=clean_requirements_on_remove=False"),
            f"--installroot={self.path}",
            f"--setopt=cachedir={home / 'cache'}",
            *(f"--repofrompath={name},file://{repo}" for name, repo in (repos or self.repos).items()),
            *words,
        ]
        around = [WITH_ROOT, self.path] if not self.shared else self._with_host()
        return _done([*around, *argv], HOME=str(home))

    def command(self, *words: str | Path) -> list[str]:
        """The command line of a program in the root."""
        return [*self._with_host(), "chroot", str(self.path), *CLEAN, *map(str, words)]

    def run(self, *words: str | Path) -> str:
        """What a program in the root says; it has to succeed."""
        return _done(self.command(*words))

    def program(self, name: str, directory: Path) -> None:
        """A program of `directory` that is the root's of that name."""
        path = directory / name
        line = subprocess.list2cmdline(self.command(f"/usr/bin/{name}"))
        path.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        path.chmod(0o755)

    def options(self) -> frozenset[str]:
        """Those that the version which is installed has in its kojid.conf."""
        example = self.run("koji-adjutant", "config", "example")
        return frozenset(re.findall(r"^#?([A-Za-z_]+) =", example, re.MULTILINE))

    # What stands for systemd

    def give_systemctl(self, daemon: int = 0) -> None:
        """As on a host that systemd has booted, and whose kojid.service has the process `daemon`."""
        shutil.copy(SCRIPTS / "systemctl.sh", self.path / "usr/bin/systemctl")
        (self.path / "run/systemd/system").mkdir(parents=True)
        if daemon:
            (self.path / DAEMON_PID).write_text(str(daemon))

    def asked_of_systemd(self) -> list[str]:
        """The command lines of systemctl, and forget them."""
        log = self.path / SYSTEMCTL_LOG
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def _with_host(self) -> list[str]:
        return [*map(str, (SCRIPTS / "with-host.sh", self.path, *self.shared, "--"))]


def _done(argv: Sequence[str | Path], **environment: str) -> str:
    done = subprocess.run(
        argv,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{argv}\n{done.stdout}"
    return done.stdout
