"""The archive of one release of Debian, through apt: the closed set of packages, and the source of one.

apt gets lists and a package cache of our own below one directory, so that neither what this machine has
installed nor how old its lists are matters, and its sources for the release that is asked for, which need not be
this machine's. What that release's archive signs is verified by its own keyring: the package debian-archive-keyring out
of it, which this machine's keyring has to vouch for. What was downloaded stays there for the next run.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution.programs import ProgramFailed, run
from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.distribution.sources import (
    Stanza,
    configured,
    host_release,
    of_release,
    signed_by,
    written,
)

_URI = re.compile(r"^'[^']+' (\S+\.deb) ", re.MULTILINE)
_UNVERIFIED = re.compile(r"\b(?:NO_PUBKEY|Missing key)[^:;\n]*|.*\bis not signed\b.*")
KEYRING = "debian-archive-keyring"


ETC = Path("/etc")
"""Where this machine says of which release it is, and has apt's sources."""


class Archive:
    """apt, working below `directory` on what the codename `release` stands for."""

    def __init__(
        self, directory: Path, architecture: str = "amd64", release: str = RELEASE, *, etc: Path = ETC
    ) -> None:
        self._etc = etc
        self._architecture = architecture
        self._release = release
        self._debs = directory / "debs"
        self._sources = directory / "sources"
        self._lists = directory / "lists"
        self._parts = directory / "sources.d"
        self._status = directory / "status"
        self.wheels = directory / "wheels"
        """Where packages of PyPI are kept, which apt knows nothing of."""

    def refresh(self) -> None:
        """Fetch the lists of binary and source packages of the release, from where this machine has its own."""
        for path in (self._debs / "partial", self._lists / "partial", self._sources, self._parts):
            path.mkdir(parents=True, exist_ok=True)
        self._status.touch()
        own = host_release(self._etc)
        sources = of_release(configured(self._etc / "apt"), own, self._release)
        if not sources:
            raise ConfigError(
                f"apt of this machine ({own or 'of no release'}) has no source of Debian {self._release}: "
                f"none in {self._etc / 'apt'} says {own or self._release}",
                hint="name the release by its codename there, or choose another with --release",
            )
        self._update(sources)
        if own != self._release:
            self._update([signed_by(stanza, self._keyring()) for stanza in sources])

    def _update(self, sources: Sequence[Stanza]) -> None:
        for stale in self._parts.iterdir():
            stale.unlink()
        (self._parts / "debian.sources").write_text(written(sources))
        try:
            # Without it, what cannot be verified is a warning to who has lists.
            self._apt("-o", "APT::Update::Error-Mode=any", "update")
        except ProgramFailed as error:
            if unsigned := _UNVERIFIED.search(str(error)):
                raise ConfigError(
                    f"what signs the archive of Debian {self._release} is not in the keyring of this machine: "
                    f"{unsigned[0]}",
                    hint=f"install debian-archive-keyring of Debian {self._release}, or a newer one of this release",
                ) from error
            # A mirror that is being synchronised does no harm to who has lists: what they name is verified.
            if not list(self._lists.glob(f"*_main_binary-{self._architecture}_Packages*")):
                raise

    def _keyring(self) -> Path:
        """The release's own keyring of its archive."""
        with tempfile.TemporaryDirectory(dir=self._lists.parent) as work:
            self._apt("download", KEYRING, cwd=Path(work))
            (deb,) = Path(work).glob("*.deb")
            run(["dpkg-deb", "--extract", deb, Path(work) / "root"])
            found = Path(work) / "root" / "usr/share/keyrings" / f"{KEYRING}.gpg"
            return Path(shutil.copyfile(found, self._lists.parent / f"{KEYRING}.gpg"))

    def binaries(self, seeds: Sequence[str]) -> list[Path]:
        """The packages `seeds` and all that they depend on, sorted by name."""
        install = ["-o", "APT::Install-Recommends=false", "-y", "install"]
        # apt does not print what is in its cache already: ask with an empty one.
        with tempfile.TemporaryDirectory(dir=self._debs.parent) as empty:
            (Path(empty) / "partial").mkdir()
            printed = self._apt("-o", f"Dir::Cache::archives={empty}", "--print-uris", *install, *seeds)
        wanted = {self._debs / name for name in _URI.findall(printed)}
        if not all(path.exists() for path in wanted):
            self._apt("-o", f"Dir::Cache::archives={self._debs}", "--download-only", *install, *seeds)
        for stale in set(self._debs.glob("*.deb")) - wanted:
            stale.unlink()
        return sorted(wanted)

    def source(self, name: str) -> Path:
        """The upstream tarball of source package `name`."""
        if not self._tarballs(name, self._sources):
            # apt writes to the final name at once: what is in our directory came whole.
            with tempfile.TemporaryDirectory(dir=self._sources) as incoming:
                self._apt("source", "--download-only", name, cwd=Path(incoming))
                for path in self._tarballs(name, Path(incoming)):
                    path.rename(self._sources / path.name)
        found = self._tarballs(name, self._sources)
        if not found:
            raise ProgramFailed(f"apt-get source {name} brought no upstream tarball to {self._sources}")
        return found[0]

    @staticmethod
    def _tarballs(name: str, directory: Path) -> list[Path]:
        return sorted(path for path in directory.glob(f"{name}_*.orig.tar.*") if path.suffix != ".asc")

    def _apt(self, *arguments: str, cwd: Path | None = None) -> str:
        options = {
            "APT::Architecture": self._architecture,
            "APT::Architectures::": self._architecture,
            "APT::Sandbox::User": "root",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": str(self._parts),
            "Dir::State::lists": str(self._lists),
            # What this machine has installed may be of another release; and apt locks the directory that this is in.
            "Dir::State::status": str(self._status),
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return run(["apt-get", "-qq", *words, *arguments], cwd=cwd)
