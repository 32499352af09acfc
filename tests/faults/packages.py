"""What is built during a fault run: source packages of the testbed, each with a release of its own.

A build prints numbered lines and sleeps for a moment: the lines show whether a log is whole, and the sleep gives
faults something to hit.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.source_packages import prepare
from koji_adjutant.testbed.distribution.spec import pack_source

HELLO, NOARCH, NEEDSDEPS, FAILING = "hello", "noarch", "needsdeps", "failing"
GREEDY = "greedy"
"""As `hello`, but that it wants more memory than any build may have."""
GREED = "head -c 1400m /dev/zero | tail -c 1300m >/dev/null"
VERSION = "1.0"
RELEASE = 1000
"""Above those of the testbed's own packages."""
LINES = 3000
RECORD = re.compile(rb"^soak record (\d+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source package."""

    name: str
    release: str
    path: Path

    @property
    def nvr(self) -> str:
        return f"{self.name}-{VERSION}-{self.release}.md1"


def make_source(name: str, number: int, sleep: float, directory: Path) -> Source:
    """The package `name` with a release that only `number` has."""
    kind, name = name, HELLO if name == GREEDY else name
    release = str(RELEASE + number)
    with TemporaryDirectory(dir=directory) as temporary:
        work = Path(temporary)
        prepare(name, work / "tree", Archive(work))
        spec = work / "tree" / "SPECS" / f"{name}.spec"
        text = re.sub(r"(?m)^Release: 1%", f"Release: {release}%", spec.read_text())
        talk = f"%build\nseq -f 'soak record %.0f' {LINES}\nsleep {sleep:.1f}"
        if kind == GREEDY:
            talk += f"\n{GREED}"
        spec.write_text(text.replace("%build", talk, 1))
        pack_source(f"SPECS/{name}.spec", work / "tree", directory)
    return Source(name=name, release=release, path=directory / f"{name}-{VERSION}-{release}.md1.src.rpm")


def missing_records(log: bytes) -> str:
    """What is wrong with the lines of a build in its log; empty when all are there, once and in order."""
    found = [int(number) for number in RECORD.findall(log)]
    if found == list(range(1, LINES + 1)):
        return ""
    return f"{len(found)} of {LINES} records, {len(set(found))} of them different"
