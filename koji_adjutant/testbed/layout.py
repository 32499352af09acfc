"""The paths of a testbed: everything is below one directory, so that two of them never meet."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The paths of the testbed in `directory` (absolute)."""

    directory: Path

    @property
    def engine(self) -> Path:
        return self.directory / "engine"

    @property
    def hub(self) -> Path:
        return self.directory / "hub"

    @property
    def builder(self) -> Path:
        """What would be /etc/kojid, /var/lib and /var/tmp of a build host."""
        return self.directory / "builder"

    @property
    def kojid_conf(self) -> Path:
        return self.builder / "kojid.conf"

    @property
    def state_dir(self) -> Path:
        return self.builder / "state"

    @property
    def journal(self) -> Path:
        return self.state_dir / "journal"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def client_conf(self) -> Path:
        return self.directory / "koji.conf"

    @property
    def administrator(self) -> Path:
        """The password of the hub's administrator, readable by us alone."""
        return self.directory / "administrator"

    @property
    def description(self) -> Path:
        """What `up` found out, as JSON: URLs, addresses, images."""
        return self.directory / "testbed.json"

    def record(self, name: str) -> Path:
        """Which process is the `name` of this testbed."""
        return self.directory / f"{name}.process"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the testbed's lock: one `up` or `down` at a time. ConfigError when another process holds it."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.directory / "lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"testbed {self.directory} is being brought up or down by another process",
                    hint="wait for it to end",
                ) from error
            yield


def layout_at(directory: Path) -> Layout:
    """The layout of the testbed in `directory`, which may be relative to the working directory."""
    return Layout(directory=directory.absolute())


def write_secret(path: Path, text: str) -> None:
    """A file that only we can read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def new_password() -> str:
    """A password that no two testbeds share, and that a search of the logs cannot meet by chance."""
    return secrets.token_urlsafe(24)
