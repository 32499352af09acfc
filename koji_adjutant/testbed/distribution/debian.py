"""Debian's package metadata in RPM's terms: control fields, relations, versions. Pure functions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_RELATION = re.compile(
    r"\s*(?P<name>[a-zA-Z0-9+.\-]+)(?::\w+)?\s*(?:\(\s*(?P<operator><<|<=|=|>=|>>)\s*(?P<version>[^)\s]+)\s*\))?"
)
_OPERATORS = {"<<": "<", "<=": "<=", "=": "=", ">=": ">=", ">>": ">"}


@dataclass(frozen=True, kw_only=True)
class Version:
    """Epoch, version and release as rpm accepts them: no `-` in a version, never an empty release."""

    epoch: str
    version: str
    release: str

    def __str__(self) -> str:
        evr = f"{self.version}-{self.release}"
        return f"{self.epoch}:{evr}" if self.epoch != "0" else evr


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One alternative of a dependency, as Debian writes them: `name (operator version)`."""

    name: str
    operator: str = ""
    version: str = ""


def parse_control(text: str) -> dict[str, str]:
    """The fields of one control stanza; the lines of a folded one stay lines."""
    fields: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[key] += "\n" + line.strip()
        elif line:
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


def parse_version(text: str) -> Version:
    epoch, _, rest = text.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    if not upstream:
        upstream, revision = revision, "0"
    return Version(epoch=epoch or "0", version=upstream.replace("-", "."), release=revision)


def parse_relation(text: str) -> Relation:
    match = _RELATION.match(text)
    if match is None:
        raise ValueError(f"not a Debian relation: {text!r}")
    return Relation(**{key: value or "" for key, value in match.groupdict().items()})


def relations(fields: Mapping[str, str], *keys: str) -> Iterator[tuple[Relation, ...]]:
    """The relations in the fields `keys`, each a tuple of its alternatives."""
    for key in keys:
        for part in fields.get(key, "").replace("\n", " ").split(","):
            if part.strip():
                yield tuple(parse_relation(alternative) for alternative in part.split("|"))


def version_in_relation(text: str, *, exact: bool) -> str:
    """A version as it stands behind an operator; without a release it means any, unless `exact`."""
    epoch, _, rest = text.rpartition(":")
    upstream, _, revision = rest.rpartition("-")
    if not upstream:
        upstream, revision = rest, "0" if exact else ""
    version = upstream.replace("-", ".") + (f"-{revision}" if revision else "")
    return f"{epoch}:{version}" if epoch else version


def rpm_requirement(relation: Relation) -> str:
    """The relation as a line of Requires.

    dpkg holds 2.36-9 >> 2.36 for true, rpm does not: a version without a release means any release to rpm,
    so it becomes >=. `<< X-.` says "any revision of X and what is older", which rpm cannot say: left out.
    """
    if not relation.operator or relation.version.endswith("-."):
        return relation.name
    operator = relation.operator
    if operator == ">>" and "-" not in relation.version:
        operator = ">="
    version = version_in_relation(relation.version, exact=operator == "=")
    return f"{relation.name} {_OPERATORS[operator]} {version}"
