"""Which methods this builder says it has, and that its handlers are as the table of methods says."""

import pytest
from koji.tasks import BaseTaskHandler

from koji_adjutant.config import Config
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.buildroot_task import BuildrootTask
from koji_adjutant.handlers.registry import HANDLERS, handler_of, task_methods
from koji_adjutant.policy.methods import METHODS, NOT_HERE, Method

OURS = {
    *(
        "build",
        "buildArch",
        "buildSRPMFromSCM",
        "chainbuild",
        "rebuildSRPM",
        "tagBuild",
        "newRepo",
        "createrepo",
    ),
    *("buildNotification", "tagNotification"),
}
ROWS = pytest.mark.parametrize("row", METHODS.values(), ids=lambda row: row.name)


def test_table_and_registry_have_the_same_methods() -> None:
    assert list(HANDLERS) == list(METHODS)
    assert len(set(HANDLERS.values())) == len(HANDLERS)
    assert not HANDLERS.keys() & NOT_HERE.keys()


def test_ours_are_ours() -> None:
    ours = {method for method, handler in HANDLERS.items() if issubclass(handler, TaskHandler)}
    assert ours == OURS


@ROWS
def test_a_handler_has_the_name_and_the_weight_of_its_row(row: Method) -> None:
    made = handler_of(row)
    assert made.Methods == [row.name]
    assert made(1, row.name, [], None, None, "/nowhere").weight() == row.weight  # type: ignore[arg-type]


@ROWS
def test_the_table_says_of_the_library_what_it_says_itself(row: Method) -> None:
    handler = HANDLERS[row.name]
    if not issubclass(handler, TaskHandler):
        assert handler.Methods == [row.name]
        assert handler(1, row.name, [], None, None, "/nowhere").weight() == row.weight  # type: ignore[arg-type]


@ROWS
def test_what_needs_a_buildroot_is_what_has_an_install_group(row: Method) -> None:
    assert issubclass(HANDLERS[row.name], BuildrootTask) is bool(row.install_group)


def test_the_hub_is_told_of_all_in_the_order_of_the_table() -> None:
    config = Config(server="http://h/kojihub", topurls=("http://h/k",))
    served = task_methods(config, None).served
    assert list(served) == list(METHODS)
    assert all(issubclass(handler, BaseTaskHandler) for handler in served.values())
