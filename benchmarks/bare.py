"""What is compared with: rpmbuild alone in a chroot that has all packages already, and dnf alone.

A root is made once, by the distribution's own rpm, and lasts as long as the benchmark's storage.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed.distribution.distribution import Distribution
from koji_adjutant.testbed.distribution.recipe import read_groups
from koji_adjutant.testbed.distribution.roots import files_for, install_command

IN_ROOT = Path(__file__).parent / "scripts" / "in-root.sh"
BUILDER = "1000:1000"
ROOT = "0:0"
HOME = "builddir"

PROGRAMS: dict[str, tuple[str, ...]] = {
    "hello": ("hello",),
    "needsdeps": ("needsdeps",),
    "long": ("long", "-c", "echo ok"),
    "chatty": ("cat", "/usr/share/chatty/bytes"),
}
"""How to see that what was built works."""


class DoesNotWork(AdjutantError):
    """A package that was built cannot be installed, or what is in it does not run."""


@dataclass(frozen=True, kw_only=True)
class BareRoot:
    """A chroot of the build group and of everything that some source packages need."""

    directory: Path

    def rebuild(self, srpm: Path) -> float:
        """Seconds of `rpmbuild --rebuild`; its output goes to a file."""
        inside = self.directory / HOME / srpm.name
        inside.write_bytes(srpm.read_bytes())
        with (self.directory.parent / "rebuild.log").open("wb") as log:
            began = time.monotonic()
            subprocess.run(
                self._argv(
                    BUILDER,
                    "rpmbuild",
                    f"--define=_topdir /{HOME}/build",
                    "--rebuild",
                    f"/{HOME}/{srpm.name}",
                ),
                stdout=log,
                stderr=log,
                check=True,
            )
            return time.monotonic() - began

    def try_out(self, name: str, rpms: Sequence[Path]) -> None:
        """Install what was built, run it, and remove it; DoesNotWork."""
        mine = [path for path in rpms if not path.name.startswith(f"{name}-debug")]
        names = []
        for path in mine:
            (self.directory / path.name).write_bytes(path.read_bytes())
            names.append(f"/{path.name}")
        try:
            self._check("rpm", "-U", "--nosignature", *names)
            self._check(*PROGRAMS[name])
            self._check("rpm", "-e", name)
        finally:
            for path in mine:
                (self.directory / path.name).unlink()

    def _check(self, *command: str) -> None:
        done = subprocess.run(self._argv(ROOT, *command), capture_output=True, text=True, check=False)
        if done.returncode or (command == PROGRAMS.get(command[0]) and not done.stdout):
            raise DoesNotWork(f"{' '.join(command)}: exit code {done.returncode}: {done.stdout}{done.stderr}")

    def _argv(self, user: str, *command: str) -> list[str]:
        return [str(IN_ROOT), str(self.directory), user, *command]


def make_bare_root(directory: Path, distribution: Distribution, sources: Sequence[str]) -> BareRoot:
    """A root for building each of `sources`."""
    directory.mkdir(mode=0o755)
    needed = [name for source in sources for name in _requires(distribution.srpms[source])]
    files = files_for(distribution, [*read_groups()["build"], *needed])
    _installed(install_command(distribution.tools, directory, files))
    home = directory / HOME
    home.mkdir(exist_ok=True)
    uid, gid = BUILDER.split(":")
    os.chown(home, int(uid), int(gid))
    return BareRoot(directory=directory)


def _installed(argv: Sequence[str]) -> None:
    environment = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AdjutantError(f"the bare root cannot be populated: {done.stderr.strip()}")


def _requires(srpm: Path) -> list[str]:
    said = subprocess.run(
        ["rpm", "-qp", "--nosignature", "--qf", "[%{REQUIRENAME}\n]", srpm],
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in said.stdout.split() if not name.startswith("rpmlib(")]


def makecache_seconds(url: str, scratch: Path) -> float:
    """Seconds of a bare `dnf makecache` of one repository into an empty cache."""
    configuration = scratch / "dnf.conf"
    scratch.mkdir()
    configuration.write_text(
        f"[main]\ncachedir={scratch}/cache\npersistdir={scratch}/persist\nlogdir={scratch}\nreposdir=/dev/null\n"
        f"plugins=0\n[bare]\nname=bare\nbaseurl={url}\ngpgcheck=0\n"
    )
    began = time.monotonic()
    environment = {"HOME": str(scratch), "PATH": os.environ["PATH"]}
    argv = ["dnf", "--quiet", "--releasever=1", f"--config={configuration}", "makecache"]
    subprocess.run(argv, env=environment, check=True)
    return time.monotonic() - began
