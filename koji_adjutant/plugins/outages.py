"""What goes out of service with plugins that are not loaded, and why: the methods that they may govern.

Nothing is ever done without a plugin that might have forbidden or changed it. A plugin that is not loaded takes out
its own methods, the built-in ones that it would have replaced, and those that fire a callback of its. Of one whose text
does not say, all that fire any callback, and every method whose name stands in its text; a method that this host does
not know at all may be its own then. A method that a later plugin has brings its handler with it and stays.

`Outages` is made once, where plugins are loaded, and handed to whoever refuses, reports or explains.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from koji_adjutant.errors import Problem
from koji_adjutant.plugins.loader import Plugin, load_plugins
from koji_adjutant.plugins.table import Handler, HandlerTable
from koji_adjutant.policy.methods import BUILDER_CALLBACKS, FIRED_BY


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A plugin that is not loaded."""

    plugin: str
    problem: Problem
    methods: tuple[str, ...]
    """The methods that are refused while the plugin is not loaded."""
    gaps: tuple[str, ...] = ()
    """Why `methods` may not be all that the plugin governs, or may be too many."""

    def __str__(self) -> str:
        methods = ", ".join(self.methods) or "no method of this host"
        text = f"Plugin {self.plugin} is not loaded: {self.problem}. Refused until it is: {methods}"
        if self.gaps:
            text += f" (what the plugin governs is not certain: {'; '.join(self.gaps)})"
        return text

    @property
    def refusal(self) -> Problem:
        """What the hub is told when it gives us a task of such a method."""
        return Problem(f"plugin {self.plugin} is not loaded on this host: {self.problem}")


@dataclass(frozen=True, kw_only=True)
class Outages:
    """The outages of all plugins that are not loaded."""

    found: tuple[Outage, ...] = ()
    known: frozenset[str] = frozenset()
    """The methods that have a handler, whether they are out or not."""
    _of_methods: Mapping[str, Outage] = field(default_factory=dict)

    @property
    def methods(self) -> frozenset[str]:
        """All methods that are refused."""
        return frozenset(self._of_methods)

    def refusal(self, method: str) -> Problem | None:
        """Why a task of `method` is refused; None when no plugin is the reason."""
        found = self._of_methods.get(method)
        if found is None and method not in self.known:
            found = next((outage for outage in self.found if outage.gaps), None)
        return found.refusal if found else None


@dataclass(frozen=True, kw_only=True)
class Methods:
    """The task methods of this host: those that are served, and what is out of service."""

    served: Mapping[str, Handler]
    outages: Outages


def load_methods(table: HandlerTable, plugins: Iterable[str], pluginpath: str) -> Methods:
    """The methods of `table` after plugins were loaded into it."""
    outages = find_outages(load_plugins(plugins, pluginpath, table), table.handlers)
    served = {method: handler for method, handler in table.handlers.items() if method not in outages.methods}
    return Methods(served=MappingProxyType(served), outages=outages)


def find_outages(plugins: Sequence[Plugin], known: Iterable[str]) -> Outages:
    """What the plugins that are not loaded take out, of the `known` methods and of their own."""
    known = frozenset(known)
    found: list[Outage] = []
    of_methods: dict[str, Outage] = {}
    for place, plugin in enumerate(plugins):
        if not plugin.problem:
            continue
        later = frozenset[str]().union(*(other.methods for other in plugins[place + 1 :]))
        governed = (_own(plugin, known) - later) | (_checked(plugin, plugins) & known)
        outage = Outage(
            plugin=plugin.name,
            problem=plugin.problem,
            methods=tuple(sorted(governed)),
            gaps=plugin.source.gaps,
        )
        found.append(outage)
        for method in governed:
            of_methods.setdefault(method, outage)
    return Outages(found=tuple(found), known=known, _of_methods=MappingProxyType(of_methods))


def _own(plugin: Plugin, known: frozenset[str]) -> frozenset[str]:
    return plugin.source.methods | (plugin.source.words & known if plugin.source.gaps else frozenset())


def _checked(plugin: Plugin, plugins: Sequence[Plugin]) -> frozenset[str]:
    """The methods that fire a callback of the plugin's."""
    callbacks = BUILDER_CALLBACKS if plugin.source.gaps else plugin.source.callbacks
    found = set[str]().union(*(FIRED_BY.get(name, frozenset()) for name in callbacks))
    for other in plugins:
        fires = BUILDER_CALLBACKS if other.source.gaps else other.source.fires
        if fires & callbacks:
            found |= other.methods
    return frozenset(found)
