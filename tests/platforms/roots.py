"""Roots of other releases of Debian (`.ci/on-debian`). One that is kept serves all parts of a run."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from koji_adjutant.testbed.distribution.recipe import RELEASE
from tests.platforms.part import ROOT, Place

VERSIONS = "versions: "
MEDIAN = re.compile(
    r"^(?P<name>[a-z]+(?:_[a-z]+)+) +(?P<median>[\d.,]+) (?P<unit>s|MB) +.* to [\d.,]+ +\d+ ", re.MULTILINE
)
ON_DEBIAN = ROOT / ".ci" / "on-debian"
AS_USER = ROOT / ".ci" / "as-user"


class Removable(Protocol):
    """What is left of a platform when its parts have run."""

    def remove(self, place: Place) -> None:
        """Remove it; nothing where there is nothing."""


@dataclass(frozen=True)
class DebianRoot:
    """The root of a release, made when something first runs in it."""

    codename: str

    def run(self, place: Place, command: str, **wants: str) -> str:
        """Run a line of shell in it, in the project's tree; what it said. `wants` are on-debian's variables."""
        argv = [str(ON_DEBIAN), "--keep", self.codename, command]
        return place.command(argv, environment={**os.environ, **wants})

    def remove(self, place: Place) -> None:
        """What of it is on the disk."""
        place.command([ON_DEBIAN, "--remove", self.codename])

    def part(self, command: str, releases: str = RELEASE) -> Callable[[Place], str]:
        """What runs `command` in it, with mini distributions of `releases`, for a Part."""
        return lambda place: summary(self.run(place, command, RELEASES=releases))

    def core(self, prepare: str = "") -> Callable[[Place], str]:
        """What runs the tests of every platform in it, after a line of shell, for a Part."""
        return lambda place: summary(self.run(place, f"{prepare}make core", SECOND_ARCH="yes"))


@dataclass(frozen=True)
class OrdinaryUser:
    """A user of this machine who is not root, made when something first runs as that one (`.ci/as-user`)."""

    def run(self, place: Place, command: str, **wants: str) -> str:
        """Run a line of shell as the user, in a copy of the project's tree; what it said. `wants` are variables."""
        argv = [str(AS_USER), "--keep", command]
        return place.command(argv, environment={**os.environ, **wants})

    def remove(self, place: Place) -> None:
        """The user, and all that is the user's."""
        place.command([AS_USER, "--remove"])

    def part(self, command: str) -> Callable[[Place], str]:
        """What runs `command` as the user, for a Part."""
        return lambda place: summary(self.run(place, command))

    def core(self) -> Callable[[Place], str]:
        """What runs the tests of every platform as the user, whose engine has no controllers here, for a Part."""
        return lambda place: summary(self.run(place, "make core", SECOND_ARCH="yes", MORE="--without-limits"))


def on_this_machine(*argv: str) -> Callable[[Place], str]:
    """What runs a command on this machine, for a Part."""
    return lambda place: summary(place.command(argv))


def summary(said: str) -> str:
    """The last thing that pytest or the demo says of how it went, or the medians of the benchmark."""
    if medians := [f"{one['name']} {one['median']} {one['unit']}" for one in MEDIAN.finditer(said)]:
        return ", ".join(dict.fromkeys(medians))
    for line in reversed(said.splitlines()):
        words = line.strip(" =")
        if " passed" in words and " in " in words:
            return words.partition(" in ")[0]
        if line.startswith("  buildArch, "):
            return " ".join(line.split()[:4])
    return ""


def versions(said: str) -> Mapping[str, str]:
    """What `tests.platforms.versions` has said among other lines."""
    found = next((line for line in said.splitlines() if line.startswith(VERSIONS)), VERSIONS + "{}")
    known: dict[str, str] = json.loads(found.removeprefix(VERSIONS))
    return known
