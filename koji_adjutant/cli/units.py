"""`koji-adjutant install-units`: what a build host needs beside the program, written where the host looks for it.

A file that is there already and says the same is left alone; one that says something else is replaced, for these
places are nobody's to edit: what a host changes goes below /etc.
"""

import argparse
import sys
import sysconfig
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.files import PARTIAL

LOCAL = Path("/usr/local")
MODE = 0o644
PLACES = {
    "kojid.service": "lib/systemd/system/kojid.service",
    "kojid-status.service": "lib/systemd/system/kojid-status.service",
    "sysusers.conf": "lib/sysusers.d/koji-adjutant.conf",
    "tmpfiles.conf": "lib/tmpfiles.d/koji-adjutant.conf",
    "logrotate.conf": "/etc/logrotate.d/koji-adjutant",
}
"""Where the files go, by the name they have here; relative ones below the prefix. logrotate looks at one place only."""
NEXT = """\
Now: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
and: systemctl enable --now kojid; with monitoring_enabled, kojid-status too
"""
AFTER_REMOVAL = "Now: systemctl daemon-reload\n"


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A file that a host is to have."""

    path: Path
    content: str


def add_command(commands: Any) -> None:
    """The parser of `install-units`."""
    text = "write the systemd units of daemon and status server, and their sysusers, tmpfiles and logrotate files"
    made = commands.add_parser("install-units", help=text, description=text)
    made.add_argument("--root", metavar="DIR", type=Path, default=Path("/"), help="below DIR (for packagers)")
    made.add_argument(
        "--prefix",
        metavar="DIR",
        type=_absolute,
        help="of the files and of the daemon, as a package has it: /usr (default: files in /usr/local, "
        "the daemon where it is now)",
    )
    made.add_argument(
        "--remove", action="store_true", help="remove what was written, unless somebody changed it"
    )
    made.set_defaults(run=install)


def _absolute(text: str) -> Path:
    path = Path(text)
    if not path.is_absolute():
        raise argparse.ArgumentTypeError(f"{text} is not absolute")
    return path


def install(given: argparse.Namespace) -> int:
    """Write the files, or remove them, and say which."""
    for unit in units(given.prefix):
        path = given.root / unit.path.relative_to("/")
        try:
            done = _remove(path, unit.content) if given.remove else _write(path, unit.content)
        except OSError as error:
            raise ConfigError(
                f"{error.filename or path} cannot be written: {error.strerror}", hint="run as root"
            ) from error
        sys.stdout.write(f"{done} {path}\n")
    if given.root == Path("/"):
        sys.stdout.write(AFTER_REMOVAL if given.remove else NEXT)
    return 0


def units(prefix: Path | None) -> list[Unit]:
    """The files of an installation below `prefix`; without one, of this installation."""
    programs = prefix / "bin" if prefix else Path(sysconfig.get_path("scripts"))
    return [
        Unit(
            path=(prefix or LOCAL) / place,
            content=_shipped(name).replace("@bindir@", str(programs)),
        )
        for name, place in PLACES.items()
    ]


def _shipped(name: str) -> str:
    return (resources.files("koji_adjutant") / "units" / name).read_text()


def _remove(path: Path, content: str) -> str:
    if not path.exists():
        return "not there:"
    if path.read_text() != content:
        return "changed by somebody, and left:"
    path.unlink()
    return "removed"


def _write(path: Path, content: str) -> str:
    if path.exists() and path.read_text() == content:
        return "unchanged"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(PARTIAL + path.name)
    new.write_text(content)
    new.chmod(MODE)
    new.rename(path)
    return "wrote"
