"""Fixtures of all tests: one real engine for the session, and a census of it after every test.

What a test leaves behind in the engine fails that test. Monitors of commands end two seconds late; they are
looked at again after later tests and, all of them, at the end of the session.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed import census
from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.engine import rootfs
from koji_adjutant.testbed.engine.processes import Process, command_line, process
from koji_adjutant.testbed.engine.service import Engine
from tests import summary, timing
from tests.contract.containers import IMAGE, PROGRAMS
from tests.parts import PARTS, is_core, is_quick, over_budget, part_of
from tests.waiting import eventually

SETTLE = 5.0
"""Seconds in which what the daemon does beside its tasks (mirrors, trials) has to be over; waited only if it is not."""
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
TAKEN = pytest.StashKey[dict[str, float]]()
"""Seconds that the tests of each part took."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-seeds", type=int, default=4, help="how many tags the oracle of buildroots draws by lot"
    )
    parser.addoption(
        "--oracle-draws", type=int, default=200, help="how many BuildRequires the oracle of the solver draws"
    )
    parser.addoption("--oracle-seed", type=int, default=1, help="the seed of the first of them")
    names = [part.name for part in PARTS]
    parser.addoption("--part", choices=names, help="only this part of the tests (tests/parts.py)")
    parser.addoption(
        "--distribution",
        default=RELEASE,
        metavar="CODENAME",
        help="the release that the mini distribution of the tests is made of; tests of another are left out",
    )
    parser.addoption(
        "--without-limits", action="store_true", help="the engine has no control groups to keep limits with"
    )
    parser.addoption("--quick", action="store_true", help="only what needs no engine, and one build")
    parser.addoption("--budgets", action="store_true", help="fail when a part takes longer than its budget")
    parser.addoption("--screenshots", action="store_true", help="write those of the docs anew")
    parser.addoption("--load-tasks", type=int, default=50, help="after how many tasks memory is measured")
    parser.addoption("--fault-minutes", type=float, default=2.0, help="how long the fault run is")
    parser.addoption(
        "--fault-seed", type=int, default=1, help="what the fault run's builds and faults follow"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USE] = PodmanUse()
    config.stash[TAKEN] = dict.fromkeys((part.name for part in PARTS), 0.0)
    config.pluginmanager.register(Durations(config))
    config.pluginmanager.register(summary)
    config.pluginmanager.register(timing)


def pytest_itemcollected(item: pytest.Item) -> None:
    if is_core(item.path.relative_to(item.config.rootpath)):
        item.add_marker(pytest.mark.core)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _uses_real_engine(item):
            item.add_marker(pytest.mark.podman)
    others = [item for item in items if not _is_chosen(item)]
    items[:] = [item for item in items if _is_chosen(item)]
    config.hook.pytest_deselected(items=others)
    # The order is that of the parts, and within one as it was.
    items.sort(key=lambda item: PARTS.index(part_of(item.path.relative_to(config.rootpath))))


def _uses_real_engine(item: pytest.Item) -> bool:
    """Whether it asks for the session's engine; a test's own `engine` is a fake."""
    known = getattr(item, "_fixtureinfo", None)
    found = list(known.name2fixturedefs.get("engine", ())) if known else []
    # The last is the one that it gets.
    return bool(found) and found[-1].scope == "session"


def _is_chosen(item: pytest.Item) -> bool:
    part = item.config.getoption("--part")
    if part and part_of(item.path.relative_to(item.config.rootpath)).name != part:
        return False
    distribution = item.get_closest_marker("distribution")
    if distribution and item.config.getoption("--distribution") not in distribution.args:
        return False
    if item.get_closest_marker("rootful") and os.geteuid():
        return False
    if item.get_closest_marker("limits") and item.config.getoption("--without-limits"):
        return False
    uses_podman = item.get_closest_marker("podman") is not None
    return not item.config.getoption("--quick") or is_quick(item.nodeid, uses_podman=uses_podman)


def pytest_runtest_call(item: pytest.Item) -> None:
    if item.get_closest_marker("podman"):
        item.config.stash[USE].tests += 1


class Durations:
    """Adds up what the tests of each part take, wherever they run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        part = part_of(Path(report.nodeid.partition("::")[0]))
        self.config.stash[TAKEN][part.name] += report.duration


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    summary.receive(node.config, output)
    node.config.stash[USE].tests += output.get("podman", 0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    summary.send(config)
    if hasattr(config, "workeroutput"):
        config.workeroutput["podman"] = config.stash[USE].tests
        return
    taken = config.stash[TAKEN]
    if config.getoption("--budgets") and any(over_budget(taken)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(summary.LINES, []):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"{config.stash[USE].tests} tests used real podman")
    taken = config.stash[TAKEN]
    terminalreporter.write_line(
        "minutes: "
        + ", ".join(f"{part.name} {taken[part.name] / 60:.1f}" for part in PARTS if taken[part.name])
    )
    if config.getoption("--budgets"):
        for line in over_budget(taken):
            terminalreporter.write_line(f"over its budget: {line}", red=True)


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
    _sweep(tmp_path_factory.getbasetemp())
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


def _sweep(own: Path) -> None:
    """Ends engines of sessions that were killed before they could; workers have a directory each in a session's."""
    sessions = own.parents[1] if own.name.startswith("popen-") else own.parent
    found = (*sessions.glob(f"*/*/{OWNER}"), *sessions.glob(f"*/popen-*/*/{OWNER}"))
    # pytest has more than one name for the newest of a kind; and another session may sweep at the same time.
    for path in {path.resolve() for path in found}:
        with suppress(FileNotFoundError):
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
    left = things_left(use.engine, before, seconds=SETTLE)
    overdue = use.late.overdue(frozenset(census.processes(use.engine)), before, request.node.nodeid)
    assert not left, "left behind:\n" + "\n".join(left)
    assert not overdue, "left behind:\n" + "\n".join(overdue)


def things_left(engine: Engine, before: frozenset[str] = frozenset(), *, seconds: float) -> list[str]:
    """Containers, mounts and links that do not go. Monitors, which go later, are looked at after other tests."""
    with suppress(AssertionError):
        eventually(lambda: not set(census.things(engine)) - before, "nothing is left", seconds=seconds)
    return sorted(set(census.things(engine)) - before)
