"""What an engine is asked about itself."""

from http import HTTPStatus
from typing import Any

from koji_adjutant.container.podman import releases
from koji_adjutant.container.podman.api import EngineApi, Kind, Request

OF_OTHERS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""What else may be at a socket says so to the path of podman's own interface."""


def info(api: EngineApi) -> Any:
    """What `/info` answers; it costs the engine up to a second of asking for the packages of its helpers."""
    request = Request(purpose="ask the engine about itself", kind=Kind.START, method="GET", path="/info")
    return api.call(request).json()


def seccomp_profile(api: EngineApi) -> str:
    """Path of the profile of its containers; empty where it has none."""
    security = info(api)["host"]["security"]
    return str(security["seccompProfilePath"]) if security["seccompEnabled"] else ""


def version(api: EngineApi) -> str:
    """Its version; EngineUnavailable where nobody answers, or nobody that is worked with.

    Of the header, which has podman's own version: `/version` looks for those of all its helpers, as `/info` does.
    """
    request = Request(
        purpose="reach the engine", kind=Kind.START, method="GET", path="/_ping", accepted=OF_OTHERS
    )
    answer = api.call(request)
    found = answer.headers.get(releases.HEADER, "")
    if not found:
        raise releases.no_podman(api.socket, answer.text)
    releases.check_release(api.socket, found)
    return found
