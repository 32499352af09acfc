"""Which calls may be made again when their answer was lost, and how the others are looked up.

The hub refuses to carry out a call of the same number twice (RetryError), and does not say what it answered. Calls
that change nothing, or nothing more the second time, are simply made anew; who makes any other one gets the
RetryError, and looks at the hub before it acts again.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import koji

T = TypeVar("T")

logger = logging.getLogger("koji.adjutant.hub")

_READING = ("get", "list", "read", "check", "echo", "find", "query", "count", "eval", "assertPolicy")
"""How the names of methods begin that change nothing."""
_REPEATABLE = frozenset(
    {
        "cancelTaskChildren",
        "host.setBuildRootState",
        "host.setTaskWeight",
        "host.taskSetWait",
        "host.taskUnwait",
        "host.taskWait",
        "host.taskWaitResults",
        "host.updateBuildRootList",
        "host.updateHost",
        "logoutChild",
        "rawUpload",
        "repo.request",
        "repoInfo",
        "subsession",
        "taskFinished",
    }
)
UNCOUNTED = frozenset({"host.moveBuildToScratch"})
"""Changes files and no record: the hub forgets the call's number and would carry it out twice."""


def may_be_repeated(name: str, args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a call does no harm that is made a second time."""
    if name == "multiCall":
        return all(_is_harmless(entry["methodName"]) for entry in args[0])
    # Of one parent and label there is one task, however often it is asked for.
    return _is_harmless(name) or (name == "host.subtask" and bool(kwargs.get("label")))


def _is_harmless(name: str) -> bool:
    return name in _REPEATABLE or name.rpartition(".")[2].startswith(_READING)


def look_first(what: str, call: Callable[[], T], look: Callable[[], T | None]) -> T:
    """The result of `call`. When its answer is lost: what `look` finds of it, else `call` again."""
    while True:
        try:
            return call()
        except koji.RetryError as error:
            logger.warning("%s: the answer was lost (%s), looking at the hub", what, error)
        found = look()
        if found is not None:
            return found


def do_once(what: str, call: Callable[[], object], is_done: Callable[[], bool]) -> None:
    """`call`, of which nothing is wanted back; when its answer is lost, again unless `is_done`."""
    look_first(what, lambda: (call(), True)[1], lambda: is_done() or None)
