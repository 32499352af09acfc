"""The table of callbacks: what fires which."""

import ast
import inspect
from pathlib import Path

import koji.plugin
import pytest
from koji.tasks import BaseTaskHandler

from koji_adjutant.handlers.registry import HANDLERS
from koji_adjutant.plugins.source import read_source
from koji_adjutant.policy.methods import BUILDER_CALLBACKS, FIRED_BY


@pytest.mark.parametrize(("method", "handler"), HANDLERS.items())
def test_the_table_has_every_callback_that_a_handler_fires(
    method: str, handler: type[BaseTaskHandler]
) -> None:
    source = read_source(Path(inspect.getfile(handler)))
    defined = ast.parse(inspect.getsource(handler))
    fired = {
        ast.literal_eval(call.args[0].args[1] if isinstance(call.args[0], ast.Call) else call.args[0])
        for call in ast.walk(defined)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_callbacks"
    }
    in_the_table = {name for name, methods in FIRED_BY.items() if method in methods}
    assert fired == in_the_table
    assert fired <= source.fires


def test_the_table_has_the_callbacks_of_builders() -> None:
    assert set(koji.plugin.callbacks) >= BUILDER_CALLBACKS
