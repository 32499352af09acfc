"""The task methods of this host and their handlers: ours, those of Koji's library, those of plugins.

A later registration of a method replaces an earlier one, as with kojid. What a plugin registers is there as a whole or
not at all: a table goes back to what it was when one of its handlers or callbacks is not taken.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

import koji.plugin
from koji.tasks import BaseTaskHandler

Handler = type[BaseTaskHandler]
_CALLBACKS = cast("dict[str, list[Any]]", koji.plugin.callbacks)
"""Koji's own table: its handlers run callbacks by it."""


class HandlerTable:
    """What is registered. `bind` makes of a handler what runs here."""

    def __init__(self, bind: Callable[[Handler], Handler]) -> None:
        self.handlers: dict[str, Handler] = {}
        self._bind = bind

    def add(self, handler: Handler) -> None:
        """Register a handler for its methods."""
        bound = self._bind(handler)
        for method in bound.Methods:
            self.handlers[method] = bound

    def scan(self, module: ModuleType) -> None:
        """Register the handlers and callbacks of a plugin."""
        for entry in list(vars(module).values()):
            if isinstance(entry, type) and issubclass(entry, BaseTaskHandler):
                self.add(entry)
            if callable(entry) and getattr(entry, "callbacks", None):
                for kind in cast("Any", entry).callbacks:
                    koji.plugin.register_callback(kind, cast("Any", entry))

    @contextmanager
    def restored_on_failure(self) -> Iterator[None]:
        """Whatever is registered meanwhile, by import or by `scan`, is taken back when it ends with an error."""
        handlers = dict(self.handlers)
        callbacks = {kind: list(registered) for kind, registered in _CALLBACKS.items()}
        try:
            yield
        except BaseException:
            self.handlers = handlers
            for kind in list(_CALLBACKS):
                if kind in callbacks:
                    _CALLBACKS[kind][:] = callbacks[kind]
                else:
                    del _CALLBACKS[kind]
            raise
