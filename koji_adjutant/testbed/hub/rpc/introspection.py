"""What the hub says about itself: greetings, versions, its methods."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.registry import EXPOSED, exposed, signature_of
from koji_adjutant.testbed.hub.rpc.wire import KOJI_VERSION


@exposed("hello")
def hello(call: Call, *args: Any) -> str:
    return "Hello World"


@exposed("echo")
def echo(call: Call, *args: Any) -> list[Any]:
    return list(args)


@exposed("error")
def error(call: Call) -> None:
    raise koji.GenericError("test error")


@exposed("fault")
def fault(call: Call) -> None:
    """An error that is not Koji's: fault code 1."""
    raise RuntimeError("test exception")


@exposed("getKojiVersion")
def get_koji_version(call: Call) -> str:
    return KOJI_VERSION


@exposed("getAPIVersion")
def get_api_version(call: Call) -> int:
    return koji.API_VERSION


@exposed("system.listMethods")
def list_methods(call: Call) -> list[str]:
    return sorted(EXPOSED)


@exposed("system.methodSignature")
def method_signature(call: Call, method: Any) -> str:
    return "signatures not supported"


@exposed("system.methodHelp")
def method_help(call: Call, method: Any) -> str:
    if method not in EXPOSED:
        return ""
    return f"{method}{_described(method)}"


@exposed("_listapi")
def list_api(call: Call) -> list[dict[str, Any]]:
    return [_api_entry(name) for name in sorted(EXPOSED)]


def _described(name: str) -> str:
    return f"({', '.join(str(parameter) for parameter in _bare(name))})"


def _bare(name: str) -> list[Any]:
    return [
        parameter.replace(annotation=parameter.empty) for parameter in signature_of(name).parameters.values()
    ]


def _api_entry(name: str) -> dict[str, Any]:
    args: list[Any] = [
        parameter.name if parameter.default is parameter.empty else [parameter.name, parameter.default]
        for parameter in _bare(name)
    ]
    return {"name": name, "doc": EXPOSED[name].__doc__, "argdesc": _described(name), "args": args}
