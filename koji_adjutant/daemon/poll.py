"""One look at the hub: everything the main loop asks regularly, in one request.

The hub carries out the entries of a multicall one by one, each in a savepoint of its own; a fault of one entry
says nothing about the others. So each answer is taken out alone, and raises its own fault.
"""

import logging
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from xmlrpc.client import Fault

import koji

from koji_adjutant.hub.session import HubSession

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
EXPIRED = koji.BR_STATES["EXPIRED"]
UNEXPIRED = tuple(koji.BR_STATES[state] for state in ("INIT", "WAITING", "BUILDING"))

logger = logging.getLogger("koji.TaskManager")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What this host reports to the hub. `task_load`: the sum of the weights of its running tasks."""

    task_load: float
    ready: bool
    methods: tuple[str, ...]
    maxjobs: int


class Answers:
    """The answers of a multicall, by method; of several calls of one method in their order."""

    def __init__(self, methods: tuple[str, ...], entries: list[Any]) -> None:
        self._entries: dict[str, list[Any]] = {}
        for method, entry in zip(methods, entries, strict=True):
            self._entries.setdefault(method, []).append(entry)

    def __contains__(self, method: str) -> bool:
        return method in self._entries

    def of(self, method: str, number: int = 0) -> Any:
        """The answer of one call; its fault is raised."""
        entry = self._entries[method][number]
        if isinstance(entry, dict):
            fault = Fault(entry["faultCode"], entry["faultString"])
            raise cast("Any", koji.convertFault)(fault)
        return entry[0]


@dataclass(frozen=True, kw_only=True)
class Poll:
    """The hub's answers to one poll. `tags`: ids of the tags whose repos were asked for."""

    answers: Answers
    tags: tuple[int, ...] = ()

    def repos(self) -> Iterator[tuple[int, int]]:
        """The newest READY repo of each tag that was asked for and has one: the ids of both."""
        for number, tag in enumerate(self.tags):
            try:
                repo = self.answers.of("getRepo", number)
            except koji.GenericError as error:
                logger.debug("The repo of tag %s is unknown: %s", tag, error)
                continue
            if repo is not None:
                yield tag, int(repo["id"])

    def channels(self) -> tuple[str, ...] | None:
        """Names of the channels that this host takes tasks of; None when they were not asked for, or are unknown."""
        try:
            rows = self.answers.of("listChannels") if "listChannels" in self.answers else None
        except koji.GenericError as error:
            logger.debug("The channels of this host are unknown: %s", error)
            return None
        return None if rows is None else tuple(sorted(str(row["name"]) for row in rows))

    def buildroots(self) -> list[dict[str, Any]]:
        """Buildroot records of this host that are not expired; empty when they were not asked for."""
        return self.answers.of("listBuildroots") if "listBuildroots" in self.answers else []

    def open_tasks(self) -> list[dict[str, Any]]:
        """Tasks that are open on this host: id, waiting, weight, alert."""
        return list(self.answers.of("host.getHostTasks"))

    def host(self) -> dict[str, Any]:
        """The hub's record of this host."""
        return dict(self.answers.of("host.getHost"))

    def check_report(self) -> None:
        """Raise the fault of updateHost, if there was one."""
        self.answers.of("host.updateHost")

    def assigned_tasks(self) -> list[dict[str, Any]]:
        """Tasks that the hub wants this host to take, most urgent first."""
        return self.answers.of("host.getTasks") if "host.getTasks" in self.answers else []


def poll(
    session: HubSession,
    host_id: int,
    report: Report,
    *,
    with_buildroots: bool,
    with_channels: bool = False,
    tags: tuple[int, ...] = (),
) -> Poll:
    """Report this host to the hub, and ask for its tasks and for the newest repos of `tags`.

    In one attempt: the main loop polls again soon.
    """
    data: Mapping[str, Any] = {"methods": list(report.methods), "maxjobs": report.maxjobs}
    calls: list[Call] = []
    if with_buildroots:
        calls.append(("listBuildroots", (), {"hostID": host_id, "state": UNEXPIRED}))
    calls += [
        ("host.getHostTasks", (), {}),
        ("host.getHost", (), {}),
        ("host.updateHost", (report.task_load, report.ready), {"data": data}),
    ]
    if report.ready:
        calls.append(("host.getTasks", (), {}))
    calls += [("getRepo", (tag,), {}) for tag in tags]
    if with_channels:
        calls.append(("listChannels", (host_id,), {}))
    return Poll(answers=multicall(session, calls), tags=tags)


def expire_buildroots(session: HubSession, seen: Poll, tasks: Container[int]) -> None:
    """Expire the records that the poll `seen` has shown, except those of `tasks`, which run."""
    try:
        records = seen.buildroots()
    except koji.GenericError as error:
        logger.warning("Buildroot records of this host are unknown: %s", error)
        return
    for record in records:
        if record["task_id"] not in tasks:
            logger.info("Expiring buildroot %(id)s of %(tag_name)s for task %(task_id)s", record)
            session.host.setBuildRootState(record["id"], EXPIRED)


def multicall(session: HubSession, calls: list[Call]) -> Answers:
    """Carry out `calls` in one request and one attempt."""
    encode = cast("Any", koji.encode_args)
    wire = [{"methodName": name, "params": encode(*args, **kwargs)} for name, args, kwargs in calls]
    return Answers(tuple(name for name, _, _ in calls), session.call_once("multiCall", wire))
