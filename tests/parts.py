"""The parts of the tests: the order in which `make test` begins them, and how long the tests of each may take.

`make test` has one queue of test files for three workers, each with engines and testbeds of its own. What takes long
is begun first, so that the workers end together. A budget is for the sum of what the tests of a part take, set-up
included, and at least twice what that was when it was measured (78 minutes in all, in a run of 27): a run has taken one
and a half times as long on another machine. A part that exceeds it has grown, and fails the run (`--budgets`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Part:
    """Test files below `paths` that no earlier part has."""

    name: str
    paths: tuple[str, ...]
    minutes: float


PARTS = (
    Part(name="faults", paths=("tests/faults",), minutes=9),
    Part(name="outages", paths=("tests/integration/outages",), minutes=13),
    Part(name="restarts", paths=("tests/integration/restart",), minutes=7),
    Part(name="workers", paths=("tests/integration/workers",), minutes=10),
    Part(name="load", paths=("tests/integration/load",), minutes=4),
    Part(name="daemon", paths=("tests/integration/daemon",), minutes=10),
    Part(
        name="sources",
        paths=("tests/integration/sources", "tests/integration/task_adapters", "tests/scm"),
        minutes=12,
    ),
    Part(name="rpms", paths=("tests/integration/rpms",), minutes=8),
    Part(
        name="seen",
        paths=("tests/integration/monitoring", "tests/integration/cli", "tests/integration/docs"),
        minutes=14,
    ),
    Part(name="builds", paths=("tests/integration",), minutes=62),
    Part(name="contract", paths=("tests/contract",), minutes=7),
    Part(name="units", paths=("tests/unit", "tests/upgrade"), minutes=13),
    Part(name="shape", paths=("tests",), minutes=4),
)
CORE = (
    "tests/contract/test_container_handover.py",
    "tests/contract/test_container_manager.py",
    "tests/contract/test_image_store.py",
    "tests/contract/test_podman_buildroots.py",
    "tests/contract/test_podman_images.py",
    "tests/contract/test_podman_isolation.py",
    "tests/contract/test_podman_limits.py",
    "tests/contract/test_podman_pull.py",
    "tests/contract/test_podman_seccomp.py",
    "tests/contract/test_podman_sockets.py",
    "tests/contract/test_podman_streams.py",
    "tests/contract/test_podman_terminal.py",
    "tests/integration/test_builds.py",
    "tests/integration/test_fidelity.py",
    "tests/integration/cancel/test_cancel.py",
    "tests/integration/restart/test_builds_go_on.py",
    "tests/integration/outages/test_engine.py",
    "tests/integration/hostile",
)
"""What runs on every platform (`pytest -m core`); docs/contributing.md lists it."""
ONE_BUILD = "tests/integration/test_builds.py::test_hello_becomes_a_tagged_build"
"""What `make quick` builds."""
SLOW = ("tests/faults", "tests/integration")


def part_of(path: Path) -> Part:
    """The part of a test file, by its path below the project."""
    return next(part for part in PARTS if any(path.is_relative_to(prefix) for prefix in part.paths))


def is_core(path: Path) -> bool:
    """Whether a test file, by its path below the project, runs on every platform."""
    return any(path.is_relative_to(prefix) for prefix in CORE)


def is_quick(nodeid: str, *, uses_podman: bool) -> bool:
    """Whether `make quick` runs the test of that name: what needs no engine, and one build."""
    if any(Path(nodeid.partition("::")[0]).is_relative_to(prefix) for prefix in SLOW):
        return nodeid == ONE_BUILD
    return not uses_podman


def over_budget(seconds: Mapping[str, float]) -> Iterator[str]:
    """A line for each part whose tests took longer than its budget; `seconds` by name of the part."""
    for part in PARTS:
        if (taken := seconds.get(part.name, 0.0)) > part.minutes * 60:
            yield f"{part.name}: {taken / 60:.1f} min of {part.minutes:g}"
