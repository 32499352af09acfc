"""One look at the hub: everything the main loop asks regularly, in one request.

The hub carries out the entries of a multicall one by one, each in a savepoint of its own; a fault of one entry
says nothing about the others. So each answer is taken out alone, and raises its own fault.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from xmlrpc.client import Fault

import koji

from koji_adjutant.hub import HubSession

if TYPE_CHECKING:
    from collections.abc import Mapping

UNEXPIRED = tuple(koji.BR_STATES[state] for state in ("INIT", "WAITING", "BUILDING"))


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the hub is told of this host."""

    task_load: float
    ready: bool
    methods: tuple[str, ...]
    maxjobs: int


class Answers:
    """The answers of a multicall, by method."""

    def __init__(self, methods: tuple[str, ...], entries: list[Any]) -> None:
        self._entries = dict(zip(methods, entries, strict=True))

    def __contains__(self, method: str) -> bool:
        return method in self._entries

    def of(self, method: str) -> Any:
        """The answer of one call; its fault is raised."""
        entry = self._entries[method]
        if isinstance(entry, dict):
            fault = Fault(entry["faultCode"], entry["faultString"])
            raise cast("Any", koji.convertFault)(fault)
        return entry[0]


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What the hub said."""

    answers: Answers

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
        """The fault of updateHost, if there was one."""
        self.answers.of("host.updateHost")

    def assigned_tasks(self) -> list[dict[str, Any]]:
        """Tasks that the hub wants this host to take, most urgent first."""
        return self.answers.of("host.getTasks") if "host.getTasks" in self.answers else []


def poll(session: HubSession, host_id: int, report: Report, *, with_buildroots: bool) -> Poll:
    """Tell the hub how we are, and see what it wants. One attempt: who polls again soon need not insist."""
    data: Mapping[str, Any] = {"methods": list(report.methods), "maxjobs": report.maxjobs}
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    if with_buildroots:
        calls.append(("listBuildroots", (), {"hostID": host_id, "state": UNEXPIRED}))
    calls += [
        ("host.getHostTasks", (), {}),
        ("host.getHost", (), {}),
        ("host.updateHost", (report.task_load, report.ready), {"data": data}),
    ]
    if report.ready:
        calls.append(("host.getTasks", (), {}))
    return Poll(answers=multicall(session, calls))


def multicall(session: HubSession, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> Answers:
    """Carry out `calls`, each of another method, in one request and one attempt."""
    encode = cast("Any", koji.encode_args)
    wire = [{"methodName": name, "params": encode(*args, **kwargs)} for name, args, kwargs in calls]
    return Answers(tuple(name for name, _, _ in calls), session.call_once("multiCall", wire))
