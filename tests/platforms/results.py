"""What came of the parts, on disk: the last result of each, with the versions that it was had with.

`latest.json` outlives the runs, each of which replaces what it has run again; docs/platforms.md is made of it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

LATEST = Path(__file__).parent / "latest.json"
FAILED = "failed"
"""What is kept of a failure: what it said is in the log, and full of the paths of one machine."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one part."""

    platform: str
    part: str
    failure: str = ""
    seconds: float
    minutes: float
    """The budget."""
    saw: str = ""

    @property
    def is_over(self) -> bool:
        return self.seconds > self.minutes * 60

    @property
    def line(self) -> str:
        """For people, while it runs."""
        how = "FAILED" if self.failure else "over its budget" if self.is_over else "ok"
        took = f"{self.seconds / 60:.1f} of {self.minutes:g} min"
        return f"{self.platform}  {self.part:<24} {how:<8} {took:<18} {self.failure or self.saw}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that is known: results in the order of the table, versions by platform."""

    results: tuple[Result, ...] = ()
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def with_result(self, new: Result) -> "Results":
        """The same with `new` in place of the part's earlier result."""
        kept = [one for one in self.results if (one.platform, one.part) != (new.platform, new.part)]
        return Results(results=(*kept, new), versions=self.versions)

    def with_newest_of(self, run: "Results") -> "Results":
        """The same with the last result of a run, and its versions: beside it, another may have kept some."""
        newest = run.results[-1]
        with_it = self.with_result(newest)
        found = run.versions.get(newest.platform)
        return with_it.with_versions(newest.platform, found) if found else with_it

    def with_versions(self, platform: str, known: Mapping[str, str]) -> "Results":
        return Results(results=self.results, versions={**self.versions, platform: dict(known)})

    def only_of(self, parts: Iterable[tuple[str, str]]) -> "Results":
        """Those of platforms and parts that there are, in their order."""
        order = list(parts)
        kept = [one for one in self.results if (one.platform, one.part) in order]
        return Results(
            results=tuple(sorted(kept, key=lambda one: order.index((one.platform, one.part)))),
            versions=self.versions,
        )


def load(path: Path = LATEST) -> Results:
    if not path.exists():
        return Results()
    said = json.loads(path.read_text())
    return Results(results=tuple(Result(**one) for one in said["results"]), versions=said["versions"])


def save(results: Results, path: Path = LATEST) -> None:
    told = tuple(replace(one, failure=FAILED) if one.failure else one for one in results.results)
    kept = Results(results=told, versions=results.versions)
    path.write_text(json.dumps(asdict(kept), indent=1, sort_keys=True) + "\n")
