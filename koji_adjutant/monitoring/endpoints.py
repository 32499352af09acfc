"""The table of what the server answers: paths, what is at each, and what may be asked of it.

Routes, the OpenAPI description and the documentation are made of it. Each path but the last three is there twice: as
it is, for people and programs by `Accept`, and below `API`, always for programs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from koji_adjutant.monitoring.answers import ContainerList, Health, Readiness, TaskList
from koji_adjutant.monitoring.views import CacheView, ContainerView, EventView, HostView, Outcome, TaskView

API = "/api/v1"
MOST_TASKS, MOST_OFFSET, MOST_LINES = 1000, 100_000, 100_000
LONGEST_TEXT = 200
JSON, TEXT, EVENT_STREAM = "application/json", "text/plain", "text/event-stream"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """Something that a request may say."""

    name: str
    text: str
    schema: Mapping[str, Any]
    place: str = "query"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One path."""

    name: str
    """Of its handler."""
    path: str
    text: str
    answer: type
    """The view that is answered, or of which there is one after the other."""
    media_type: str = JSON
    parameters: tuple[Parameter, ...] = ()
    failures: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    only_here: bool = False
    """Whether it is not below `API` as well."""


def _integer(least: int, most: int) -> Mapping[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


_TASK = Parameter(name="id", place="path", text="id of the task on the hub", schema=_integer(1, 2**53))
_NO_TASK = "no such task ran here of late"
ENDPOINTS = (
    Endpoint(name="status", path="/status", text="the host", answer=HostView),
    Endpoint(
        name="containers",
        path="/containers",
        text="containers of the engine with our labels, of all workers",
        answer=ContainerList,
    ),
    Endpoint(
        name="container",
        path="/containers/{id}",
        text="one of them",
        answer=ContainerView,
        parameters=(
            Parameter(
                name="id",
                place="path",
                text="its id, or the beginning of it",
                schema={"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
            ),
        ),
        failures={404: "no such container is here, or was of late"},
    ),
    Endpoint(
        name="tasks",
        path="/tasks",
        text="tasks that run here, and have run; logs only of those that run",
        answer=TaskList,
        parameters=(
            Parameter(name="limit", text="how many, 100 unless said", schema=_integer(1, MOST_TASKS)),
            Parameter(name="offset", text="how many to pass over", schema=_integer(0, MOST_OFFSET)),
            Parameter(
                name="outcome",
                text="only those that stand so",
                schema={"type": "string", "enum": [outcome.value for outcome in Outcome]},
            ),
            Parameter(
                name="method",
                text="only those of a method",
                schema={"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
            ),
        ),
    ),
    Endpoint(
        name="task",
        path="/tasks/{id}",
        text="one of them, with its phases, buildroot, logs and result",
        answer=TaskView,
        parameters=(_TASK,),
        failures={404: _NO_TASK},
    ),
    Endpoint(
        name="log",
        path="/tasks/{id}/logs/{name}",
        text="a log of a task, as the hub gets it; a range of it; or what comes, as it comes",
        answer=str,
        media_type=TEXT,
        parameters=(
            _TASK,
            Parameter(
                name="name",
                place="path",
                text="one of the task's `logs`",
                schema={"type": "string", "minLength": 1, "maxLength": 255},
            ),
            Parameter(
                name="follow",
                text="1: go on until the task ends; with a range, from its first byte on",
                schema={"type": "string", "enum": ["0", "1"]},
            ),
            Parameter(name="tail", text="only the last lines", schema=_integer(1, MOST_LINES)),
            Parameter(name="Range", place="header", text="`bytes=N-M`, one range", schema={"type": "string"}),
        ),
        failures={404: "no such task or log", 416: "the log is shorter"},
    ),
    Endpoint(
        name="buildroots",
        path="/buildroots",
        text="the buildroot images and what they are worth",
        answer=CacheView,
    ),
    Endpoint(
        name="events",
        path="/events",
        text="events of the journal as they happen (server-sent); `event: reset` when some were missed",
        answer=EventView,
        media_type=EVENT_STREAM,
        parameters=(
            Parameter(name="task", text="only those of a task", schema=_integer(1, 2**53)),
            Parameter(
                name="Last-Event-ID",
                place="header",
                text="`id` of the last one that was received: go on behind it",
                schema={"type": "string"},
            ),
        ),
    ),
    Endpoint(
        name="healthz",
        path="/healthz",
        text="whether the server works; needs no token",
        answer=Health,
        only_here=True,
    ),
    Endpoint(
        name="readyz",
        path="/readyz",
        text="whether the host takes tasks",
        answer=Readiness,
        failures={503: "it takes none"},
        only_here=True,
    ),
    Endpoint(
        name="metrics",
        path="/metrics",
        text="figures for Prometheus, or as OpenMetrics",
        answer=str,
        media_type=TEXT,
        only_here=True,
    ),
)
