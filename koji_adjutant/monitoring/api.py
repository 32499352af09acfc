"""The answers to programs: a method for each endpoint, which makes a view of the registry, or a stream.

What a request says is checked here, against the same limits that the description gives. One instance for as long as
the server runs.
"""

import os
from collections.abc import AsyncIterator, Mapping
from io import FileIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from koji_adjutant.monitoring import event_stream, log_stream
from koji_adjutant.monitoring.answers import ContainerList, Health, Readiness, Refused, TaskList
from koji_adjutant.monitoring.endpoints import (
    EVENT_STREAM,
    LONGEST_TEXT,
    MOST_LINES,
    MOST_OFFSET,
    MOST_TASKS,
    TEXT,
)
from koji_adjutant.monitoring.live import Live
from koji_adjutant.monitoring.sentence import advice_for
from koji_adjutant.monitoring.views import (
    CacheView,
    ContainerView,
    HostView,
    LogView,
    Outcome,
    TaskView,
)

DEFAULT_TASKS = 100
MOST_STREAMS = 32
"""Clients that follow something at a time."""
MOST_ID = 2**53
_DIGITS = 16
LOG_OFFSET = "Log-Offset"
"""Header of an answer that follows: the number of its first byte."""


class Streams:
    """Counts those who follow; the next one too many is refused."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self._number = 0

    def check(self) -> None:
        """Refuse, if there are as many as there may be."""
        if self._number >= self._most:
            raise Refused(503, "Too many clients follow something", "close some pages", Retry_After="5")

    async def counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces; counted while they last."""
        self._number += 1
        try:
            async for piece in pieces:
                yield piece
        finally:
            self._number -= 1


class Api:
    """The endpoints by name; each takes a request. Refused, for one that has no such answer."""

    def __init__(self, live: Live, run: str, streams: Streams | None = None) -> None:
        """`run` names this run of the server in the ids of events: hexadecimal digits."""
        self._live = live
        self._run = run
        self._streams = streams or Streams()

    async def status(self, request: Request) -> HostView:  # noqa: ARG002
        return (await self._live.fresh()).host()

    async def containers(self, request: Request) -> ContainerList:  # noqa: ARG002
        return ContainerList(containers=(await self._live.fresh()).containers())

    async def container(self, request: Request) -> ContainerView:
        wanted = _text(request.path_params["id"])
        found = (await self._live.fresh()).container(wanted)
        if found is None:
            raise Refused(
                404, "There is no such container", "containers that are gone are shown for a while only"
            )
        return found

    async def tasks(self, request: Request) -> TaskList:
        query = request.query_params
        limit = number(query, "limit", 1, MOST_TASKS) or DEFAULT_TASKS
        offset = number(query, "offset", 0, MOST_OFFSET) or 0
        outcome, method = query.get("outcome"), query.get("method")
        if outcome is not None and outcome not in tuple(Outcome):
            raise Refused(400, "There is no such outcome", f"one of {', '.join(Outcome)}")
        if method is not None:
            method = _text(method)
        registry = await self._live.fresh()
        tasks, total = registry.some_tasks(limit=limit, offset=offset, outcome=outcome, method=method)
        return TaskList(tasks=tasks, total=total)

    async def task(self, request: Request) -> TaskView:
        found = (await self._live.fresh()).task(task_id(request))
        if found is None:
            raise Refused(404, "No such task ran here of late", "the hub knows it, if there is one")
        return found

    async def buildroots(self, request: Request) -> CacheView:  # noqa: ARG002
        return (await self._live.fresh()).cache()

    async def healthz(self, request: Request) -> Health:  # noqa: ARG002
        return Health(alive=True, journal=self._live.problem)

    async def readyz(self, request: Request) -> Readiness:
        host = await self.status(request)
        advice = None if host.ready else advice_for(host.obstacle)
        return Readiness(
            ready=host.ready,
            obstacle=host.obstacle,
            title=advice.title if advice else "",
            reason=host.reason,
            what_to_do=advice.what_to_do if advice else "",
        )

    # Streams

    async def events(self, request: Request) -> Response:
        task = number(request.query_params, "task", 1, MOST_ID)
        self._streams.check()
        if request.method == "HEAD":
            return Response(media_type=EVENT_STREAM)
        pieces = event_stream.sent(self._live, self._run, request.headers.get("last-event-id"), task)
        return StreamingResponse(self._streams.counted(pieces), media_type=EVENT_STREAM)

    async def found_log(self, request: Request) -> tuple[TaskView, LogView]:
        """The task and the log that a request names."""
        task, name = await self.task(request), request.path_params["name"]
        log = next((log for log in task.logs if log.name == name), None)
        if log is None:
            raise Refused(404, "The task has no such log", "its page shows those that it has")
        return task, log

    async def log(self, request: Request) -> Response:
        query = request.query_params
        follow = query.get("follow", "0")
        if follow not in {"0", "1"}:
            raise Refused(400, "`follow` is 0 or 1")
        tail = number(query, "tail", 1, MOST_LINES)
        task, log = await self.found_log(request)
        if follow == "1":
            self._streams.check()
        handle = (await self._live.fresh()).open_log(task.id, log.name)
        if handle is None:
            raise Refused(404, "The log is gone")
        answer = self._log(request, FileIO(handle), task.id, tail=tail, follows=follow == "1")
        if request.method == "HEAD":
            return Response(status_code=answer.status_code, headers=dict(answer.headers))
        return answer

    def _log(
        self, request: Request, log: FileIO, task: int, *, tail: int | None, follows: bool
    ) -> StreamingResponse:
        size = os.fstat(log.fileno()).st_size
        asked = request.headers.get("range") if tail is None else None
        headers = {"Accept-Ranges": "bytes", "Content-Disposition": "inline"}
        try:
            if follows:
                begin = log_stream.followed_from(asked, size)
                begin = begin if tail is None else log_stream.begin_of_tail(log, size, tail)
                pieces = log_stream.followed(log, begin, lambda: self._runs(task))
                headers[LOG_OFFSET] = str(begin)
                return StreamingResponse(self._streams.counted(pieces), headers=headers, media_type=TEXT)
            extent = log_stream.asked_range(asked, size)
        except IndexError:
            what = f"The log has {size} bytes"
            raise Refused(416, what, "ask for less", Content_Range=f"bytes */{size}") from None
        status = 206 if extent else 200
        if extent:
            headers["Content-Range"] = f"bytes {extent.begin}-{extent.end - 1}/{size}"
        else:
            begin = 0 if tail is None else log_stream.begin_of_tail(log, size, tail)
            extent = log_stream.Extent(begin=begin, end=size)
        return StreamingResponse(
            log_stream.pieces(log, extent), status_code=status, headers=headers, media_type=TEXT
        )

    async def log_tail(self, request: Request, most: int) -> bytes:
        """The last bytes of a log, for a page."""
        task, log = await self.found_log(request)
        return (await self._live.fresh()).log_tail(task.id, log.name, most)

    async def _runs(self, task: int) -> bool:
        if not self._live.goes_on():
            return False
        found = (await self._live.fresh()).task(task)
        return found is not None and found.outcome is Outcome.RUNNING


def task_id(request: Request) -> int:
    """The task that a path names."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Refused(404, "That is no id of a task", "it is a number")
    return int(text)


def number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """A parameter that is a number; None when it is not there."""
    text = query.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS and least <= int(text) <= most:
        return int(text)
    raise Refused(400, f"`{name}` is a number from {least} to {most}")


def _text(text: str) -> str:
    if not 0 < len(text) <= LONGEST_TEXT:
        raise Refused(400, f"expected 1 to {LONGEST_TEXT} characters")
    return text
