"""The two parts that `make test` runs at once, on two cores: builds, which wait more than they work, and all the rest.

A test belongs to one part by where it is; what nobody thought of belongs to the rest. Each part has its engines and
testbeds of its own.
"""

from pathlib import Path

PARTS = ("builds", "rest")
BUILDS = Path("tests/integration")
REST_OF_BUILDS = ("load", "outages", "restart")
"""Below BUILDS: tests that bring up daemons of their own and wait for what becomes of them."""


def part_of(path: Path) -> str:
    """The part of a test file, by its path below the project."""
    if not path.is_relative_to(BUILDS):
        return "rest"
    return "rest" if path.relative_to(BUILDS).parts[0] in REST_OF_BUILDS else "builds"
