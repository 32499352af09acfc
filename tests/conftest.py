"""Fixtures of all tests: one real engine for the session, and a census of it after every test.

What a test leaves behind in the engine fails that test. Monitors of commands end two seconds late; they are
looked at again after later tests and, all of them, at the end of the session.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed import census, rootfs
from koji_adjutant.testbed.engine import Engine
from koji_adjutant.testbed.engine_processes import Process, command_line, process
from tests.contract.containers import IMAGE, PROGRAMS
from tests.parts import PARTS, part_of

SETTLE = 1.0
OWNER = "owner.json"


@dataclass
class LateProcesses:
    """Monitors of an engine's commands end two seconds late: they are looked at again after later tests."""

    seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Those that were there when a test ended: which test, and when."""

    def overdue(
        self, now_there: frozenset[str], before: frozenset[str], test: str, *, after: float = census.WAIT
    ) -> list[str]:
        """Those that are still there `after` seconds; what was not there `before` this `test` is remembered."""
        self.seen = {line: when for line, when in self.seen.items() if line in now_there}
        limit = time.monotonic() - after
        late = [f"{line} (left by {test})" for line, (test, when) in self.seen.items() if when < limit]
        for line in now_there - before:
            self.seen.setdefault(line, (test, time.monotonic()))
        return late


@dataclass
class PodmanUse:
    """What the session has to do with real podman."""

    tests: int = 0
    engine: Engine | None = None
    late: LateProcesses = field(default_factory=LateProcesses)


USE = pytest.StashKey[PodmanUse]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-seeds", type=int, default=4, help="how many tags the oracle of buildroots draws by lot"
    )
    parser.addoption("--part", choices=PARTS, help="only this part of the tests (tests/parts.py)")
    parser.addoption("--load-tasks", type=int, default=50, help="after how many tasks memory is measured")
    parser.addoption("--fault-minutes", type=float, default=5.0, help="how long the fault run is")
    parser.addoption(
        "--fault-seed", type=int, default=1, help="what the fault run's builds and faults follow"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USE] = PodmanUse()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if part := config.getoption("--part"):
        others = [item for item in items if part_of(item.path.relative_to(config.rootpath)) != part]
        items[:] = [item for item in items if part_of(item.path.relative_to(config.rootpath)) == part]
        config.hook.pytest_deselected(items=others)
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.podman)


def pytest_runtest_call(item: pytest.Item) -> None:
    if item.get_closest_marker("podman"):
        item.config.stash[USE].tests += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"{config.stash[USE].tests} tests used real podman")


@pytest.fixture(scope="session", autouse=True)
def _no_children() -> Iterator[None]:
    """Fails a session that leaves a process of its own behind."""
    yield
    left = [
        f"{pid}: {command}"
        for children in Path("/proc/self/task").glob("*/children")
        for pid in children.read_text().split()
        if (command := command_line(int(pid)))
    ]
    assert not left, "left at the end of the session:\n" + "\n".join(left)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The session's engine. It has no image but those that tests and fixtures put there."""
    use = request.config.stash[USE]
    _sweep(tmp_path_factory.getbasetemp().parent)
    own = Engine(tmp_path_factory.mktemp("engine"))
    me = process(os.getpid())
    assert me
    (own.home / OWNER).write_text(json.dumps(asdict(me)))
    try:
        own.start()
        use.engine = own
        yield own
        left = census.leftovers(own)
    finally:
        use.engine = None
        own.destroy()
    assert not left, "left at the end of the session:\n" + "\n".join(left)


def _sweep(base: Path) -> None:
    """Ends engines of sessions that were killed before they could."""
    for path in base.glob(f"*/*/{OWNER}"):
        if not Process(**json.loads(path.read_text())).alive():
            Engine(path.parent).destroy()


@pytest.fixture(scope="session")
def contract_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small image of this host's shell and tools in the session's engine."""
    path = tmp_path_factory.mktemp("image") / "root.tar"
    path.write_bytes(rootfs.archive(PROGRAMS))
    engine.podman("import", "--quiet", str(path), IMAGE)
    return IMAGE


@pytest.fixture
def manager(engine: Engine) -> Iterator[PodmanManager]:
    """A manager of the session's engine."""
    own = PodmanManager(engine.socket, Timeouts())
    yield own
    own.close()


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves something in the session's engine."""
    use = request.config.stash[USE]
    before = census.census(use.engine) if use.engine else frozenset()
    yield
    if use.engine is None or not request.node.get_closest_marker("podman"):
        return
    left = _things_left(use.engine, before)
    overdue = use.late.overdue(frozenset(census.processes(use.engine)), before, request.node.nodeid)
    assert not left, "left behind:\n" + "\n".join(left)
    assert not overdue, "left behind:\n" + "\n".join(overdue)


def _things_left(engine: Engine, before: frozenset[str]) -> list[str]:
    deadline = time.monotonic() + SETTLE
    while (left := sorted(set(census.things(engine)) - before)) and time.monotonic() < deadline:
        time.sleep(census.STEP)
    return left
