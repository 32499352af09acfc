"""Roots out of the distribution, installed by its own rpm: no solver, no repository configuration."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from koji_adjutant.testbed.distribution.closure import closure, read_candidates
from koji_adjutant.testbed.distribution.distribution import Distribution
from koji_adjutant.testbed.distribution.tools import Tools

# Where the distribution's own rpm looks; Debian's would write to root's home directory.
DATABASE = "/usr/lib/sysimage/rpm"


def files_for(distribution: Distribution, names: Iterable[str], present: Iterable[str] = ()) -> list[Path]:
    """The packages that installing `names` takes, where `present` is installed with all that it requires."""
    candidates = read_candidates(distribution.repo)
    there = {candidate.name for candidate in closure(candidates, present)}
    wanted = closure(candidates, [*present, *names])
    return [distribution.repo / candidate.location for candidate in wanted if candidate.name not in there]


def install_command(tools: Tools, root: Path, files: Sequence[Path]) -> list[str]:
    """Scriptlets run chrooted: what they need of /dev and /proc has to be there."""
    options = ["--define", f"_dbpath {DATABASE}", "--nosignature", "--quiet"]
    return [*tools.command("rpm"), "--root", str(root), *options, "-U", *map(str, files)]
