"""The same addresses for people: which page a request gets, and from which views it is made.

Pages are made by `koji_adjutant.monitoring.pages`; here is what they are given. A program that asks for no HTML gets
none. One instance for as long as the server runs.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from koji_adjutant.monitoring.answers import Refusal
from koji_adjutant.monitoring.api import Api
from koji_adjutant.monitoring.live import Live

HTML = "text/html"
_TAIL_BYTES = 64 * 1024
Maker = Callable[[Request], Awaitable[str]]


class Pages(Protocol):
    """Makes pages."""

    def render(self, name: str, **views: object) -> str:
        """A page as a document."""


class Site:
    """Pages by the name of an endpoint; each takes a request. Refused, as by the API."""

    def __init__(self, live: Live, api: Api, pages: Pages, tail_bytes: int = _TAIL_BYTES) -> None:
        self._live = live
        self._api = api
        self._pages = pages
        self._tail_bytes = tail_bytes
        self._by_name: dict[str, Maker] = {
            "status": self._overview,
            "tasks": self._tasks,
            "task": self._task,
            "log": self._log,
            "buildroots": self._buildroots,
            "containers": self._containers,
            "container": self._containers,
        }

    def has(self, name: str) -> bool:
        """Whether there is a page of an endpoint."""
        return name in self._by_name

    async def page(self, name: str, request: Request) -> Response:
        """The page of an endpoint."""
        return HTMLResponse(await self._by_name[name](request))

    async def problem(self, refusal: Refusal) -> Response:
        """A page that says why there is no other."""
        text = await self._rendered(
            "problem", status=refusal.status, title=refusal.title, advice=refusal.advice
        )
        return HTMLResponse(text, status_code=refusal.status)

    async def _rendered(self, name: str, **views: object) -> str:
        registry = await self._live.fresh()
        return self._pages.render(name, host=registry.host(), **views)

    async def _overview(self, request: Request) -> str:  # noqa: ARG002
        registry = await self._live.fresh()
        return await self._rendered(
            "overview", tasks=registry.tasks(), cache=registry.cache(), containers=registry.containers()
        )

    async def _tasks(self, request: Request) -> str:
        registry = await self._live.fresh()
        return await self._rendered("tasks", tasks=registry.tasks(), query=dict(request.query_params))

    async def _task(self, request: Request) -> str:
        task = await self._api.task(request)
        registry = await self._live.fresh()
        return await self._rendered(
            "task",
            task=task,
            containers=tuple(one for one in registry.containers() if one.task == task.id),
            subtasks=registry.subtasks(task.id),
        )

    async def _log(self, request: Request) -> str:
        task, log = await self._api.found_log(request)
        tail = await self._api.log_tail(request, self._tail_bytes)
        return await self._rendered("log", task=task, log=log, tail=tail)

    async def _buildroots(self, request: Request) -> str:  # noqa: ARG002
        registry = await self._live.fresh()
        return await self._rendered("buildroots", cache=registry.cache(), tasks=registry.tasks())

    async def _containers(self, request: Request) -> str:
        if "id" in request.path_params:
            return await self._rendered("containers", containers=(await self._api.container(request),))
        registry = await self._live.fresh()
        return await self._rendered("containers", containers=registry.containers())


def wants_html(accept: str) -> bool:
    """Whether who sends this `Accept` is a browser that is to show a page: it names HTML, and JSON not before it."""
    names = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if HTML not in names:
        return False
    return "application/json" not in names[: names.index(HTML)]
