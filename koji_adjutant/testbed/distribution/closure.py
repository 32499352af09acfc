"""Which packages of a repository an installation of some names takes, without a solver.

The distribution is closed and has one version of each package, so following requirements is enough; versions
in them are not looked at.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from koji_adjutant.errors import AdjutantError
from koji_adjutant.host.compression import open_expanded

PRIMARY_LIMIT = 1 << 28
_COMMON = "{http://linux.duke.edu/metadata/common}"
_RPM = "{http://linux.duke.edu/metadata/rpm}"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A package as its repository describes it: `provides` has its name and its files too."""

    name: str
    location: str
    provides: frozenset[str]
    requires: tuple[str, ...]


def read_candidates(repo: Path) -> dict[str, Candidate]:
    """Name -> package, of the repository at `repo`."""
    # The file is ours, written by createrepo_c a moment ago; how it compresses is its own choice.
    (primary,) = (repo / "repodata").glob("primary.xml*")
    with open_expanded(primary, PRIMARY_LIMIT) as file:
        root = ET.parse(file).getroot()  # noqa: S314
    candidates = (_candidate(element) for element in root.iterfind(f"{_COMMON}package"))
    return {candidate.name: candidate for candidate in candidates}


def _candidate(package: ET.Element) -> Candidate:
    details = package.find(f"{_COMMON}format")
    location = package.find(f"{_COMMON}location")
    assert details is not None
    assert location is not None
    name = package.findtext(f"{_COMMON}name", "")
    entries = {kind: _entries(details, kind) for kind in ("provides", "requires")}
    files = [element.text or "" for element in details.iterfind(f"{_COMMON}file")]
    return Candidate(
        name=name,
        location=location.attrib["href"],
        provides=frozenset([name, *entries["provides"], *files]),
        requires=tuple(entry for entry in entries["requires"] if not entry.startswith("rpmlib(")),
    )


def _entries(details: ET.Element, kind: str) -> list[str]:
    return [element.attrib["name"] for element in details.iterfind(f"{_RPM}{kind}/{_RPM}entry")]


def closure(candidates: Mapping[str, Candidate], names: Iterable[str]) -> list[Candidate]:
    """The packages that provide `names` and everything that those require, sorted by name."""
    providers: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(candidates):
        for provided in candidates[name].provides:
            providers[provided].append(name)
    names = list(names)
    chosen = {name: candidates[name] for name in names if name in candidates}
    wanted = [(name, "the installation") for name in names if name not in chosen]
    wanted += [(required, name) for name in chosen for required in chosen[name].requires]
    while wanted:
        requirement, by = wanted.pop(0)
        found = _choose(requirement, providers[requirement], chosen)
        if found is None:
            raise AdjutantError(f"nothing in the distribution provides {requirement}, which {by} requires")
        if found not in chosen:
            chosen[found] = candidates[found]
            wanted += [(required, found) for required in candidates[found].requires]
    return [chosen[name] for name in sorted(chosen)]


def _choose(requirement: str, providers: Sequence[str], chosen: Mapping[str, Candidate]) -> str | None:
    """What is there already, else the package of that name, else the first in the alphabet."""
    for name in providers:
        if name in chosen:
            return name
    return requirement if requirement in providers else next(iter(providers), None)
