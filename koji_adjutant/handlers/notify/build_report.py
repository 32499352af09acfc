"""The mail about a build that has ended, put together from what the hub says of the build and its tasks. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import koji

from koji_adjutant.handlers.notify.mail import lines, quoted
from koji_adjutant.handlers.notify.task_tree import UNKNOWN, StoredFile, TaskFacts

SHOWN_STATES = ("failed", "canceled", "closed")
"""States of tasks that are told, in this order."""


@dataclass(frozen=True, kw_only=True)
class BuildReport:
    """A build as the hub hands it over, and what the task has asked for besides."""

    build: Mapping[str, Any]
    dest_tag: str | None
    tasks: Sequence[TaskFacts]
    canceled_by: str | None
    changelog: str
    weburl: str
    topurl: str

    @property
    def nvr(self) -> str:
        """The build's."""
        return str(cast("Any", koji).buildLabel(self.build))

    @property
    def status(self) -> str:
        """In Koji's words."""
        return str(koji.BUILD_STATES[self.build["state"]]).lower()


def subject(report: BuildReport) -> str:
    """The subject, which readers filter on."""
    owner = report.build["owner_name"]
    return f"Package: {report.nvr} Tag: {report.dest_tag} Status: {report.status} Built by: {owner}"


def headers(report: BuildReport) -> list[tuple[str, str]]:
    """Those that readers filter on."""
    return [
        ("X-Koji-Tag", str(report.dest_tag)),
        ("X-Koji-Package", report.build["package_name"]),
        ("X-Koji-Builder", report.build["owner_name"]),
        ("X-Koji-Status", report.status),
        ("X-Koji-Draft", str(report.build.get("draft", False))),
    ]


def text(report: BuildReport) -> str:
    """The mail's text."""
    return "\n".join(part for part in _parts(report) if part)


def _parts(report: BuildReport) -> Iterator[str]:
    yield lines(_summary(report))
    if report.changelog:
        yield f"Latest changes:\n{quoted(report.changelog)}"
    if report.build["state"] == koji.BUILD_STATES["FAILED"]:
        yield _failure(report)
    srpms = sorted({srpm for task in report.tasks for srpm in task.srpms})
    if srpms:
        yield lines(["Source packages:", *(f"  {srpm}" for srpm in srpms)])
    for state in SHOWN_STATES:
        tasks = [task for task in report.tasks if task.state == state]
        if tasks:
            yield lines([f"Tasks that are {state}:"])
            yield from (lines(_task(report, task)) for task in tasks)
    yield lines(
        [
            f"The task:  {report.weburl}/taskinfo?taskID={report.build['task_id']}",
            f"The build: {report.weburl}/buildinfo?buildID={report.build['id']}",
        ]
    )


def _summary(report: BuildReport) -> Iterator[str]:
    build = report.build
    yield f"Build:    {report.nvr}"
    yield f"Tag:      {report.dest_tag}"
    yield f"Status:   {report.status}" + (f", by {report.canceled_by}" if report.canceled_by else "")
    yield f"Owner:    {build['owner_name']}"
    yield f"Build id: {build['id']}"
    yield f"Began:    {koji.formatTimeLong(build['creation_ts'])}"
    yield f"Ended:    {koji.formatTimeLong(build['completion_ts'])}"


def _failure(report: BuildReport) -> str:
    hosts = [f"{task.host} ({task.arch})" for task in report.tasks if task.host and task.state == "failed"]
    error = next((task.result for task in report.tasks if task.id == report.build["task_id"]), UNKNOWN)
    where = f" on {', '.join(hosts)}" if hosts else ""
    return lines([f"{report.nvr} ({report.build['id']}) failed{where}:"]) + quoted(error)


def _task(report: BuildReport, task: TaskFacts) -> Iterator[str]:
    yield f"  {task.id}: {task.label}" + (f", on {task.host}" if task.host else "")
    if task.logs:
        yield "    logs:"
        yield from (f"      {_stored_url(report, task, log)}" for log in task.logs)
    if task.rpms:
        yield "    packages:"
        yield from (f"      {_package_url(report, task, rpm)}" for rpm in task.rpms)
    if task.others:
        yield "    other files:"
        yield from (f"      {_stored_url(report, task, file)}" for file in task.others)


def _package_url(report: BuildReport, task: TaskFacts, rpm: StoredFile) -> str:
    """Of a build that is complete, with the build; the packages of any other stay where they were made."""
    if report.build["state"] != koji.BUILD_STATES["COMPLETE"]:
        return _stored_url(report, task, rpm)
    directory = koji.PathInfo(topdir=report.topurl).build(cast("Any", report.build))
    return "/".join((directory, *(quote(part, safe="+~") for part in (task.subtask, rpm.name))))


def _stored_url(report: BuildReport, task: TaskFacts, file: StoredFile) -> str:
    # Good for every task: the logs of a build are moved when it is complete, and not before.
    query = urlencode({"taskID": task.id, "name": file.name, "volume": file.volume}, quote_via=quote)
    return f"{report.weburl}/getfile?{query}"
