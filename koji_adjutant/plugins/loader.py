"""Loading plugins: each by itself, and whatever goes wrong with one is said and goes no further.

A plugin is a module of a directory of `pluginpath`, as with kojid; it is imported once, under the name that Koji gives
it. One that fails leaves nothing registered and no module behind. What it may govern: `koji_adjutant.plugins.outages`.
"""

import importlib.util
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from koji_adjutant.errors import PluginFailed, Problem
from koji_adjutant.plugins.source import PluginSource, read_source
from koji_adjutant.plugins.table import HandlerTable

PREFIX = "_koji_plugin__"
TEXT_LIMIT = 300


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that is to be loaded, and what became of it."""

    name: str
    source: PluginSource
    methods: frozenset[str] = frozenset()
    """The methods of the handlers that the plugin has registered."""
    problem: Problem | None = None
    """Why the plugin is not loaded; None when it is."""


def load_plugins(names: Iterable[str], pluginpath: str, table: HandlerTable) -> tuple[Plugin, ...]:
    """Load plugins into `table`, in order."""
    directories = [directory for directory in pluginpath.split(":") if directory]
    return tuple(_load(name, directories, table) for name in dict.fromkeys(names))


def _load(name: str, directories: Sequence[str], table: HandlerTable) -> Plugin:
    path: Path | None = None
    before = dict(table.handlers)
    try:
        with table.restored_on_failure():
            spec = _find(name, directories)
            path = Path(spec.origin or "")
            _import(spec, table)
    except PluginFailed as failed:
        return Plugin(name=name, source=read_source(path), problem=Problem(str(failed)))
    methods = (method for method, handler in table.handlers.items() if before.get(method) is not handler)
    return Plugin(name=name, source=read_source(path), methods=frozenset(methods))


def _find(name: str, directories: Sequence[str]) -> ModuleSpec:
    try:
        found = PathFinder.find_spec(name, directories)
    except (ImportError, OSError, ValueError) as error:
        raise PluginFailed(f"it is not found: {error}") from error
    spec = found and found.origin and importlib.util.spec_from_file_location(PREFIX + name, found.origin)
    if not spec or spec.loader is None:
        raise PluginFailed(f"there is no {name}.py in {':'.join(directories)}")
    return spec


def _import(spec: ModuleSpec, table: HandlerTable) -> None:
    """Run a plugin and register what it has; what it prints goes to standard error."""
    assert spec.loader is not None
    modules = set(sys.modules)
    try:
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        with redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
        table.scan(module)
    # A plugin may raise anything, SystemExit too, and is not to end the daemon by it.
    except BaseException as error:
        for name in set(sys.modules) - modules:
            if name == spec.name or name.startswith(f"{spec.name}."):
                del sys.modules[name]
        raise PluginFailed(_text(error, spec.origin or "")) from error


def _text(error: BaseException, origin: str) -> str:
    """What went wrong, in one line, and where in the plugin."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == origin]
    if isinstance(error, SyntaxError) and error.filename == origin:
        lines = [error.lineno]
    where = f" in line {lines[-1]}" if lines else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{where}: {said[:TEXT_LIMIT]}" if said else f"{type(error).__name__}{where}"
