"""What an engine is asked about itself."""

from typing import Any

from koji_adjutant.container.podman.api import EngineApi, Kind, Request


def info(api: EngineApi) -> Any:
    request = Request(purpose="ask the engine about itself", kind=Kind.START, method="GET", path="/info")
    return api.call(request).json()


def version(api: EngineApi) -> str:
    request = Request(
        purpose="ask the engine for its version", kind=Kind.START, method="GET", path="/version"
    )
    return str(api.call(request).json()["Version"])


def ping(api: EngineApi) -> None:
    api.call(Request(purpose="reach the engine", kind=Kind.START, method="GET", path="/_ping"))
