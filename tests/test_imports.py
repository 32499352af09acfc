"""The shape of the package, read from its source: imports run one way, modules and functions stay short."""

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
FUNCTION_LINES = 80

# A module may import what has a lower rank, and its own package. Longest prefix decides.
RANKS = {
    "": 0,
    "clock": 1,
    "container_processes": 1,
    "errors": 1,
    "files": 1,
    "journal": 1,
    "notify": 1,
    "container": 2,
    "hub_claim": 2,
    "hub_outage": 2,
    "hub_repeat": 2,
    "config": 3,
    "hub_calls": 3,
    "hub_files": 3,
    "disks": 4,
    "hub": 4,
    "policy": 4,
    "buildroot": 5,
    "task_adapters": 6,
    "handlers": 7,
    "daemon": 8,
    "monitoring": 8,
    "cli": 9,
    "testbed": 10,
}
ENGINE = "container.podman_manager"
ONLY_INTERFACE = ("policy", "buildroot", "task_adapters", "handlers", "daemon")


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
        if one.ours
        and area(one.imported) != area(one.importer)
        and RANKS[area(one.imported)] >= RANKS[area(one.importer)]
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
            area(one.imported) == "koji" if not one.ours else not within(one.imported, "container", "errors")
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
        and one.imported not in ("container", "container.interface", "container.labels")
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


@pytest.mark.parametrize("target", ["monitoring", ENGINE, "testbed"])
def test_who_may_import(target: str) -> None:
    allowed = {
        "monitoring": ("cli", "monitoring", "testbed"),
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


def test_every_module_says_what_it_is() -> None:
    silent = [module for module, tree in modules().items() if tree.body and not ast.get_docstring(tree)]
    assert not silent, f"no docstring: {silent}"


def sources() -> list[Path]:
    return [path for top in (PACKAGE, "tests", "benchmarks") for path in sorted((ROOT / top).rglob("*.py"))]


def test_no_module_is_long() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    long = {name: length for name, length in lengths.items() if length > MODULE_LINES and name != ONE_FILE}
    assert not long, f"more than {MODULE_LINES} lines: {long}"


def test_no_function_is_long() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES
    ]
    assert not long, f"more than {FUNCTION_LINES} lines: {long}"
