"""The application: every endpoint with its routes, the pages, and what is said when something is refused.

Made of parts that are handed in; it opens nothing.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from koji_adjutant.host.bind import Bind
from koji_adjutant.monitoring import openapi
from koji_adjutant.monitoring.answers import Readiness, Refused, to_json
from koji_adjutant.monitoring.api import Api
from koji_adjutant.monitoring.endpoints import API, ENDPOINTS, JSON, Endpoint
from koji_adjutant.monitoring.guard import Guard
from koji_adjutant.monitoring.site import Site, wants_html

STATIC = "/static"
NOT_READY = 503
ASSETS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
ASSET_AGE = "no-cache"
"""A page never runs the script of the version before."""

Answerer = Callable[[Request], Awaitable[Response]]


class Exposition(Protocol):
    """Makes the text of /metrics."""

    async def __call__(self, accept: str) -> tuple[bytes, str]:
        """The text, and its content type, for who sends this `Accept`."""


class StatusApp:
    """Answers to requests of any kind."""

    def __init__(self, *, api: Api, site: Site | None, metrics: Exposition, static: Path | None) -> None:
        """`site`: None without pages; `static`: the directory of what they load."""
        self._api = api
        self._site = site
        self._metrics = metrics
        self._static = _assets(static) if static else {}

    def guarded(self, *, bind: Bind, token_sha256: str, policy: str) -> ASGIApp:
        """The application as it may be shown to others."""
        made = Starlette(
            routes=list(self._routes()),
            exception_handlers={HTTPException: self._http_exception, Refused: self._refused},
        )
        # `/tasks/` is no other name of `/tasks`.
        made.router.redirect_slashes = False
        return Guard(app=made, bind=bind, token_sha256=token_sha256, policy=policy, refuse=self._refusing)

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/", self._answering(ENDPOINTS[0], with_pages=True)),
            Route(openapi.PATH, self._openapi),
            Route(f"{STATIC}/{{name}}", self._asset),
        ]
        for endpoint in ENDPOINTS:
            # A name of a log may be one that needs quoting, and is one part of the path whatever is in it.
            if not endpoint.only_here:
                routes.append(Route(API + endpoint.path, self._answering(endpoint, with_pages=False)))
            routes.append(Route(endpoint.path, self._answering(endpoint, with_pages=not endpoint.only_here)))
        return routes

    def _answering(self, endpoint: Endpoint, *, with_pages: bool) -> Answerer:
        async def answer(request: Request) -> Response:
            if with_pages and self._site and self._site.has(endpoint.name) and _is_for_people(request):
                return await self._site.page(endpoint.name, request)
            if endpoint.name == "metrics":
                content, media_type = await self._metrics(request.headers.get("accept", ""))
                return Response(content, headers={"Content-Type": media_type})
            return as_response(await getattr(self._api, endpoint.name)(request))

        return answer

    async def _openapi(self, request: Request) -> Response:  # noqa: ARG002
        return Response(to_json(openapi.description()), media_type=JSON)

    async def _asset(self, request: Request) -> Response:
        asset = self._static.get(request.path_params["name"])
        if asset is None:
            raise Refused(404, "There is no such page")
        content, media_type = asset
        return Response(content, media_type=media_type, headers={"Cache-Control": ASSET_AGE})

    # Refusals

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return await self._refusal(request, error)

    async def _http_exception(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        refused = Refused(error.status_code, "There is no such page", "the first page shows what there is")
        return await self._refusal(request, refused)

    async def _refusal(self, request: Request, error: Refused) -> Response:
        if self._site and _is_for_people(request) and error.refusal.status not in (401, 421):
            answer = await self._site.problem(error.refusal)
        else:
            answer = Response(to_json(error.refusal), status_code=error.refusal.status, media_type=JSON)
        answer.headers.update(error.headers)
        return answer

    def _refusing(self, error: Refused) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            answer = await self._refusal(Request(scope, receive), error)
            await answer(scope, receive, send)

        return app


def as_response(answer: Any) -> Response:
    """The response to a request that was answered with a view, or with a response."""
    if isinstance(answer, Response):
        return answer
    status = NOT_READY if isinstance(answer, Readiness) and not answer.ready else 200
    return Response(to_json(answer), status_code=status, media_type=JSON)


def _is_for_people(request: Request) -> bool:
    return not request.url.path.startswith(API) and wants_html(request.headers.get("accept", ""))


def _assets(directory: Path) -> dict[str, tuple[bytes, str]]:
    """All that pages load, by name: it is little, and no name of a request becomes a path."""
    return {
        path.name: (path.read_bytes(), ASSETS[path.suffix])
        for path in directory.iterdir()
        if path.suffix in ASSETS
    }
