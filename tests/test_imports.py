"""The shape of the package, read from its source: imports run one way, modules stay short."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "koji_adjutant"
MODULE_LINES = 400
ONE_FILE = "tests/contract/test_hub_protocol.py"
"""Every rule of the hub protocol in one place, to be run as one file against any hub."""

# A module may import what has a lower rank, and its own package. A module with a place of its own is below its room.
RANKS = {
    "": -1,
    "policy.methods": 0,
    "errors": 0,
    "names": 1,
    "host": 2,
    "journal": 3,
    "monitoring": 4,
    "container": 4,
    "config": 5,
    "hub": 6,
    "policy": 6,
    "plugins": 6,
    "guards": 7,
    "logs": 7,
    "buildroot": 8,
    "task_adapters": 9,
    "handlers": 10,
    "daemon": 11,
    "cli": 12,
    "testbed": 13,
}
ENGINE = "container.podman_manager"
ONLY_INTERFACE = ("policy", "guards", "logs", "buildroot", "task_adapters", "handlers", "daemon")
OF_CONTAINERS = (
    "container",
    "container.interface",
    "container.labels",
    "container.programs",
)
OF_PODMANS_PROCESSES = ("container.podman.conmon", "container.podman.orphans", "container.podman.processes")
"""What is known of containers without the engine: by the kernel."""

SETS_LEVELS = "logs.daemon_log"
LINES_OF_KOJID = "koji.TaskManager"
"""The logger of what kojid's log has as well, word for word: people and their scripts know these lines with it."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import statement: `imported` is a module of ours without the package's name, or a foreign one."""

    importer: str
    imported: str
    names: tuple[str, ...]
    line: int
    ours: bool

    def __str__(self) -> str:
        return f"{self.importer or PACKAGE} imports {self.imported} (line {self.line})"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """All modules but those in `scripts` directories: programs that run elsewhere, in the task image."""
    return {
        module_name(path): ast.parse(path.read_bytes(), filename=str(path))
        for path in sorted((ROOT / PACKAGE).rglob("*.py"))
        if "scripts" not in path.parts
    }


def imports_of(module: str) -> Iterator[Import]:
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from resolved(module, alias.name, (), node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}"
            yield from resolved(module, node.module or "", tuple(a.name for a in node.names), node.lineno)


def resolved(importer: str, target: str, names: tuple[str, ...], line: int) -> Iterator[Import]:
    if target != PACKAGE and not target.startswith(PACKAGE + "."):
        yield Import(importer=importer, imported=target, names=names, line=line, ours=False)
        return
    base = target[len(PACKAGE) + 1 :]
    submodules = [name for name in names if join(base, name) in modules()]
    for name in submodules:
        yield Import(importer=importer, imported=join(base, name), names=(), line=line, ours=True)
    if len(submodules) < len(names) or not names:
        rest = tuple(name for name in names if name not in submodules)
        yield Import(importer=importer, imported=base, names=rest, line=line, ours=True)


def join(base: str, name: str) -> str:
    return f"{base}.{name}" if base else name


@cache
def all_imports() -> tuple[Import, ...]:
    return tuple(found for module in modules() for found in imports_of(module))


def area(module: str) -> str:
    return module.split(".", 1)[0]


def rank(module: str) -> int:
    return RANKS.get(module, RANKS[area(module)])


def within(module: str, *areas: str) -> bool:
    return area(module) in areas


def offenders(found: list[Import]) -> str:
    return "\n".join(str(one) for one in found)


def test_every_module_has_a_place() -> None:
    strangers = [module for module in modules() if area(module) not in RANKS]
    assert not strangers, f"not in RANKS: {strangers}"


def test_imports_run_one_way() -> None:
    wrong = [
        one
        for one in all_imports()
        if one.ours and area(one.imported) != area(one.importer) and rank(one.imported) >= rank(one.importer)
    ]
    assert not wrong, offenders(wrong)


def test_no_import_cycle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in modules()}
    for one in all_imports():
        if one.ours and one.imported != one.importer:
            graph[one.importer].add(one.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_containers_know_nothing_of_koji() -> None:
    wrong = [
        one
        for one in all_imports()
        if within(one.importer, "container")
        and (
            area(one.imported) == "koji"
            if not one.ours
            else not within(one.imported, "container", "errors", "names")
        )
    ]
    assert not wrong, offenders(wrong)


def test_the_engine_is_known_by_its_interface() -> None:
    wrong = [
        one
        for one in all_imports()
        if one.ours
        and within(one.importer, *ONLY_INTERFACE)
        and within(one.imported, "container")
        and one.imported not in (*OF_CONTAINERS, *OF_PODMANS_PROCESSES)
    ]
    assert not wrong, offenders(wrong)


def test_one_module_imports_podman() -> None:
    wrong = [
        one
        for one in all_imports()
        if not one.ours
        and area(one.imported) == "podman"
        and one.importer != ENGINE
        and not within(one.importer, "testbed")
    ]
    assert not wrong, offenders(wrong)


@pytest.mark.parametrize("target", [ENGINE, "testbed"])
def test_who_may_import(target: str) -> None:
    allowed = {
        ENGINE: ("cli", "testbed"),
        "testbed": ("testbed",),
    }[target]
    wrong = [
        one
        for one in all_imports()
        if one.ours
        and (one.imported == target or one.imported.startswith(target + "."))
        and not within(one.importer, *allowed)
    ]
    assert not wrong, offenders(wrong)


def test_adapters_ask_the_hub_for_nothing() -> None:
    """A task's context has its session, for the handler and the logs."""
    wrong = [
        one
        for one in all_imports()
        if one.ours
        and within(one.importer, "task_adapters")
        and within(one.imported, "hub")
        and (one.importer, one.names) != ("task_adapters.base", ("HubSession",))
    ]
    assert not wrong, offenders(wrong)


def test_families_of_handlers_share_what_stands_above_them() -> None:
    wrong = [
        one
        for one in all_imports()
        if one.ours
        and within(one.importer, "handlers")
        and within(one.imported, "handlers")
        and one.importer.count(".") > 1
        and one.imported.count(".") > 1
        and one.importer.split(".")[1] != one.imported.split(".")[1]
    ]
    assert not wrong, offenders(wrong)


def test_every_module_says_what_it_is() -> None:
    silent = [module for module, tree in modules().items() if tree.body and not ast.get_docstring(tree)]
    assert not silent, f"no docstring: {silent}"


def loggers() -> Iterator[tuple[str, str]]:
    """Every module with a logger, and the source of its name."""
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
                yield module, ast.literal_eval(node.args[0]) if is_text(node.args[0]) else ""


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_loggers_are_one_tree() -> None:
    """Levels are set by room (`--debug-task`): each logger has the name of its room, below `koji.adjutant`."""
    wrong = [
        f"{module}: {name or 'not a literal'}"
        for module, name in loggers()
        if module != SETS_LEVELS
        and not f"{name}.".startswith(f"koji.adjutant.{area(module)}.")
        and not (name == LINES_OF_KOJID and within(module, "daemon"))
    ]
    assert not wrong, "\n".join(wrong)


def sources() -> list[Path]:
    return [path for top in (PACKAGE, "tests", "benchmarks") for path in sorted((ROOT / top).rglob("*.py"))]


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    long = {name: length for name, length in lengths.items() if length > MODULE_LINES and name != ONE_FILE}
    assert not long, f"more than {MODULE_LINES} lines: {long}"
