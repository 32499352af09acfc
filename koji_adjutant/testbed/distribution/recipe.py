"""What the distribution is made of: the tables in data/, typed, and the identity of all of them.

Read once per run; nothing here changes afterwards.
"""

import hashlib
import platform
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import ConfigError

DATA = Path(__file__).parent / "data"
WHEELS = DATA / "wheels.txt"
MACHINE = "x86_64"
RELEASE = "bookworm"
"""The release of Debian whose packages the distribution is made of, whatever this machine runs."""
TESTING = "testing"
"""What may be asked for in its place: rpm 6, dnf 5 beside dnf 4, metadata of zstd; it moves."""
DIST = ".md1"
VENDOR = "Mini Distribution"
# Modules that use the distribution and say nothing of what is in it.
_USERS = frozenset(["__init__.py", "__main__.py", "closure.py", "roots.py", "task_image.py"])


@dataclass(frozen=True, kw_only=True)
class Machine:
    """An architecture that the distribution is made for."""

    name: str
    debian: str
    multiarch: str
    own: frozenset[str]
    """Which of the packages that are not Debian's are made for it."""
    taken: tuple[str, ...]
    """Which of them are those of x86_64."""
    has_wheels: bool
    """Whether packages of PyPI are made for it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How Debian packages become the distribution's. Keys are Debian's names."""

    machine: Machine
    seeds: tuple[str, ...]
    dropped: frozenset[str]
    trimmed: re.Pattern[str]
    names: Mapping[str, str]
    provides: Mapping[str, tuple[str, ...]]
    requires: Mapping[str, tuple[str, ...]]
    links: Mapping[str, Mapping[str, str]]
    scriptlets: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RootLayout:
    """The root file system that no package of Debian brings along."""

    directories: Mapping[str, int]
    links: Mapping[str, str]
    files: Mapping[str, Path]
    modes: Mapping[str, int]


def read_recipe(machine: str = MACHINE, release: str = RELEASE) -> Recipe:
    table = tomllib.loads((DATA / "packages.toml").read_text())
    row = table["machines"][machine]
    more = _table_of(release)["toolbox"] if "toolbox" in row["seeds"] else ()
    return Recipe(
        machine=Machine(
            name=machine,
            debian=row["debian"],
            multiarch=row["multiarch"],
            own=frozenset(row["own"]),
            taken=tuple(row["taken"]),
            has_wheels=row["wheels"],
        ),
        seeds=(*(name for seeds in row["seeds"] for name in table["seeds"][seeds]), *more),
        dropped=frozenset(table["resolution"]["dropped"]),
        trimmed=re.compile("|".join(table["trim"]["patterns"])),
        names=table["names"],
        provides={name: tuple(values) for name, values in table["provides"].items()},
        requires={name: tuple(values) for name, values in table["requires"].items()},
        links=table["links"],
        scriptlets={name: (DATA / file).read_text() for name, file in table["scriptlets"].items()},
    )


def toolbox_of(release: str) -> tuple[str, ...]:
    """What the task image of a release has beyond what all have."""
    return tuple(_table_of(release)["toolbox"])


def _table_of(release: str) -> Mapping[str, Sequence[str]]:
    releases: dict[str, dict[str, list[str]]] = tomllib.loads((DATA / "packages.toml").read_text())[
        "releases"
    ]
    if release not in releases:
        raise ConfigError(
            f"no distribution is made of Debian {release}, but of {' and '.join(sorted(releases))}",
            hint="what --release names is what buildroots are made of; it has nothing to do with this machine",
        )
    return releases[release]


def read_root_layout(multiarch: str = "x86_64-linux-gnu") -> RootLayout:
    table = tomllib.loads((DATA / "filesystem.toml").read_text())
    skeleton = DATA / "skeleton"
    return RootLayout(
        directories={**table["directories"], f"/usr/lib/{multiarch}": 0o755},
        links=table["links"],
        files={f"/{path.relative_to(skeleton)}": path for path in skeleton.rglob("*") if path.is_file()},
        modes=table["modes"],
    )


def read_groups() -> dict[str, tuple[str, ...]]:
    """Group id -> the names of its packages."""
    table: dict[str, list[str]] = tomllib.loads((DATA / "groups.toml").read_text())
    return {group: tuple(names) for group, names in table.items()}


def account_names(file: str) -> dict[int, str]:
    """Number -> name, from the skeleton's /etc/passwd or /etc/group."""
    lines = (DATA / "skeleton" / "etc" / file).read_text().splitlines()
    return {int(line.split(":")[2]): line.split(":")[0] for line in lines}


def fingerprint(release: str = RELEASE) -> str:
    """Identity of the release, the tables and the code that reads them: a distribution made by another is stale."""
    identity = hashlib.sha256(f"{release}\n".encode())
    files = [path for path in DATA.rglob("*") if path.is_file()]
    modules = [path for path in Path(__file__).parent.glob("*.py") if path.name not in _USERS]
    for path in sorted([*files, *modules]):
        identity.update(f"{path.relative_to(DATA.parent)} {path.stat().st_size}\n".encode())
        identity.update(path.read_bytes())
    return identity.hexdigest()


def check_machine() -> None:
    if platform.machine() != MACHINE:
        raise ConfigError(
            f"the mini distribution is made of {MACHINE} packages, this machine is {platform.machine()}",
            hint="give the testbed an RPM distribution of this architecture with --external-repo and --image",
        )
