"""What can be called: every function that `exposed` marked, by its name on the wire.

Filled while `methods.py` imports the modules, constant afterwards. A function takes the `Call` first, then
the call's own parameters under the names that Koji's clients use as keywords.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import koji

Function = TypeVar("Function", bound=Callable[..., Any])

EXPOSED: dict[str, Callable[..., Any]] = {}
_SIGNATURES: dict[str, inspect.Signature] = {}


def exposed(*names: str) -> Callable[[Function], Function]:
    """Make a function callable as `getTag` (more names: aliases)."""

    def register(function: Function) -> Function:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1:]
        for name in names:
            if name in EXPOSED:
                raise ValueError(f"{name} is exposed twice")
            EXPOSED[name] = function
            _SIGNATURES[name] = signature.replace(parameters=parameters)
        return function

    return register


def signature_of(name: str) -> inspect.Signature:
    """The call's parameters as a client sees them."""
    return _SIGNATURES[name]


def invoke(call: Any, name: str, params: Sequence[Any]) -> Any:
    """Call the function of that name with parameters as they came over the wire."""
    if name not in EXPOSED:
        raise koji.GenericError(f"Invalid method: {name}")
    args, kwargs = koji.decode_args(*params)
    try:
        bound = _SIGNATURES[name].bind(*args, **kwargs)
    except TypeError as error:
        raise koji.ParameterError(f"{name}: {error}") from error
    return EXPOSED[name](call, *bound.args, **bound.kwargs)


# Run by the cancelling of a task, in the same transaction: what else ends with it (its build, say).
TASK_CANCELED: list[Callable[[Any, int], None]] = []


def when_task_canceled(function: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
    """Have `function(call, task_id)` run whenever a task is canceled."""
    TASK_CANCELED.append(function)
    return function
