"""Handlers as the daemon has them: a class of ours knows the name of its method once the registry has bound it."""

from typing import Any

from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.registry import HANDLERS, handler_of
from koji_adjutant.policy.methods import METHODS


def bound(handler: type[TaskHandler]) -> tuple[str, Any]:
    """The name of its method, and the class that tasks of it are made of."""
    method = next(name for name, known in HANDLERS.items() if known is handler)
    return method, handler_of(METHODS[method])
