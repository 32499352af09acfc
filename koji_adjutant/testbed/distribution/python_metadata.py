"""Metadata of Python's packages in RPM's terms: names, versions, requirements, programs. Pure functions.

Names and versions are written as rpm's own generator for Python writes them: `python3dist(NAME) = VERSION`.
"""

from collections.abc import Iterable, Iterator, Mapping
from configparser import RawConfigParser
from dataclasses import dataclass
from email import message_from_string

from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name
from packaging.version import Version

SAME = {">=", "<=", ">", "<"}
SCRIPT = """\
#!/usr/bin/python3
import sys

from {module} import {first}

sys.exit({function}())
"""


@dataclass(frozen=True, kw_only=True)
class PythonPackage:
    """What METADATA, or the PKG-INFO of older ones, says."""

    name: str
    version: str
    summary: str
    requires: tuple[str, ...]


def parse_metadata(text: str) -> PythonPackage:
    fields = message_from_string(text)
    return PythonPackage(
        name=canonicalize_name(fields["Name"]),
        version=fields["Version"],
        summary=fields.get("Summary") or fields["Name"],
        requires=tuple(fields.get_all("Requires-Dist", [])),
    )


def distribution(name: str) -> str:
    """The capability that a package of Python's is."""
    return f"python3dist({canonicalize_name(name)})"


def rpm_version(text: str) -> str:
    """A version as rpm compares it: without zeros at its end, and what comes before a release with a tilde."""
    version = Version(text)
    release = list(version.release)
    while len(release) > 1 and not release[-1]:
        release.pop()
    base = ".".join(map(str, release))
    before = "".join(map(str, version.pre or ())) + ("" if version.dev is None else f"dev{version.dev}")
    after = "" if version.post is None else f".post{version.post}"
    return base + after + (f"~{before}" if before else "")


def provided(package: PythonPackage) -> str:
    return f"{distribution(package.name)} = {rpm_version(package.version)}"


def required(requires: Iterable[str], environment: Mapping[str, str], extras: Iterable[str]) -> list[str]:
    """Lines of Requires, for the extras that are wanted; extras of what is required are not followed."""
    wanted = ["", *extras]
    found: dict[str, None] = {}
    for requirement in map(Requirement, requires):
        marker = requirement.marker
        if marker and not any(marker.evaluate({**environment, "extra": extra}) for extra in wanted):
            continue
        bounds = [bound for one in requirement.specifier for bound in _bounds(one)]
        name = distribution(requirement.name)
        found.update(dict.fromkeys([f"{name} {bound}" for bound in bounds] or [name]))
    return sorted(found)


def _bounds(specifier: Specifier) -> Iterator[str]:
    """Nothing for !=, which rpm can only say of two requirements at once."""
    operator, text = specifier.operator, specifier.version.removesuffix(".*")
    if operator in SAME:
        yield f"{operator} {rpm_version(text)}"
    elif operator == "~=":
        yield f">= {rpm_version(text)}"
        yield f"< {_next(Version(text).release[:-1])}"
    elif operator == "==" and text != specifier.version:
        yield f">= {rpm_version(text)}"
        yield f"< {_next(Version(text).release)}"
    elif operator in {"==", "==="}:
        yield f"= {rpm_version(text)}"


def _next(release: tuple[int, ...]) -> str:
    return rpm_version(".".join(map(str, (*release[:-1], release[-1] + 1))))


def programs(entry_points: str) -> dict[str, str]:
    """The text of each program that entry_points.txt names."""
    parser = RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(entry_points)
    sections = [name for name in ("console_scripts", "gui_scripts") if parser.has_section(name)]
    return {name: _script(value) for section in sections for name, value in parser.items(section)}


def _script(value: str) -> str:
    module, _, function = value.partition("[")[0].strip().partition(":")
    return SCRIPT.format(module=module, first=function.partition(".")[0], function=function)
