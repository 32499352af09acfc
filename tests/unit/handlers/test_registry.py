"""Which methods this builder says it has."""

from collections import Counter

from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.registry import HANDLERS

OURS = {"build", "buildArch", "rebuildSRPM", "tagBuild", "newRepo", "createrepo"}
OF_THE_LIBRARY = {
    "waitrepo",
    "dependantTask",
    "restart",
    "restartVerify",
    "restartHosts",
    "shutdown",
    "sleep",
    "someMethod",
    "fork",
    "waittest",
    "subtask",
    "default",
}


def test_each_method_has_one_handler() -> None:
    methods = Counter(method for handler in HANDLERS for method in handler.Methods)
    assert set(methods) == OURS | OF_THE_LIBRARY
    assert set(methods.values()) == {1}


def test_ours_are_ours() -> None:
    ours = {method for handler in HANDLERS if issubclass(handler, TaskHandler) for method in handler.Methods}
    assert ours == OURS
