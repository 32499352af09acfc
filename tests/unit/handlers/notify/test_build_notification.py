"""Mails about builds: the same calls to the hub as kojid's, the same headers, the same facts in the same order."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import koji
import pytest

from koji_adjutant.config import Config
from koji_adjutant.handlers.notify.build_notification import BuildNotificationTask
from tests.mail_server import MailServer, Received
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession

TASK, ANNA = 41, "anna@example.org"
WEB = "https://koji.example.org/koji"
TARGET = {"name": "dist", "dest_tag": 1, "dest_tag_name": "dist-updates"}
BUILD = {
    "id": 5,
    "package_name": "hello",
    "name": "hello",
    "version": "1.0",
    "release": "1.md1",
    "epoch": None,
    "owner_name": "carl",
    "state": koji.BUILD_STATES["COMPLETE"],
    "creation_ts": 1700000000.5,
    "completion_ts": 1700000100.25,
    "task_id": 30,
    "volume_name": "DEFAULT",
    "draft": False,
}
CHANGES = [
    {"date": "2023-11-14 12:00:00", "author": "Anna <anna@example.org> 1.0-1", "text": "- für Zoë"},
    {"date": "2023-11-13 12:00:00", "author": "Anna <anna@example.org> 0.9-1", "text": "- first"},
]
URL = "git+https://carl:s3cret@scm.example.org/hello#main"
Call = Mapping[str, Any]


def call(name: str, *args: Any, result: Any = None, **changes: Any) -> Call:
    return {"call": name, "args": list(args), "result": result, **changes}


def task_calls(
    number: int,
    method: str,
    request: list[Any],
    *,
    state: str = "CLOSED",
    host: int | None = 2,
    label: str | None = None,
    output: Mapping[str, list[str]] | None = None,
    children: tuple[int, ...] = (),
    **answer: Any,
) -> list[Call]:
    info = {
        "id": number,
        "method": method,
        "arch": "x86_64",
        "label": label,
        "host_id": host,
        "state": koji.TASK_STATES[state],
    }
    asked = [call("getHost", host, result={"id": host, "name": f"builder{host}"})] if host else []
    return [
        call("getTaskInfo", number, result=info),
        *asked,
        call("getTaskResult", number, **(answer or {"result": {"a": "result"}})),
        call("listTaskOutput", number, {"all_volumes": True, "__starstar": True}, result=output or {}),
        call("getTaskRequest", number, result=request),
        call("getTaskChildren", number, result=[{"id": child} for child in children]),
    ]


def changes(result: list[Any]) -> Call:
    return call("getChangelogEntries", 5, {"queryOpts": {"limit": 3}, "__starstar": True}, result=result)


def run(
    make_handler: MakeHandler, config: Config, server: MailServer, calls: list[Call], *params: Any
) -> Received:
    changed = dataclasses.replace(config, smtphost=server.address)
    session = ReplaySession([dict(each) for each in calls])
    handler = make_handler(BuildNotificationTask, TASK, [[ANNA], *params, WEB], session, config=changed)
    assert handler.run() == f"sent notification of build 5 to: {ANNA}"
    assert session.finished()
    (mail,) = server.received
    return mail


def test_complete_build(make_handler: MakeHandler, config: Config, server: MailServer, topurl: str) -> None:
    output = {
        "root.log": ["DEFAULT"],
        "build.log": ["vol2", "DEFAULT"],
        "hello-1.0-1.md1.x86_64.rpm": ["DEFAULT"],
        "hello-1.0-1.md1.src.rpm": ["DEFAULT"],
        "a file": ["DEFAULT"],
    }
    calls = [
        *task_calls(30, "build", [URL, "dist", {}], children=(32, 31, 33), host=None),
        *task_calls(32, "buildSRPMFromSCM", [URL, 2], label="srpm", output={"checkout.log": ["DEFAULT"]}),
        *task_calls(31, "buildArch", ["hello.src.rpm", 2, "x86_64", True], label="x86_64", output=output),
        *task_calls(33, "tagBuild", [1, 5], label="tag", state="FREE", host=None),
        changes(CHANGES),
    ]
    mail = run(make_handler, config, server, calls, BUILD, TARGET)
    assert mail.message.items()[:8] == [
        ("From", "Koji Build System <buildsys@example.com>"),
        ("Subject", "Package: hello-1.0-1.md1 Tag: dist-updates Status: complete Built by: carl"),
        ("To", ANNA),
        ("X-Koji-Tag", "dist-updates"),
        ("X-Koji-Package", "hello"),
        ("X-Koji-Builder", "carl"),
        ("X-Koji-Status", "complete"),
        ("X-Koji-Draft", "False"),
    ]
    files = f"{topurl}/packages/hello/1.0/1.md1"
    assert mail.text == (
        "Build:    hello-1.0-1.md1\n"
        "Tag:      dist-updates\n"
        "Status:   complete\n"
        "Owner:    carl\n"
        "Build id: 5\n"
        f"Began:    {koji.formatTimeLong(BUILD['creation_ts'])}\n"
        f"Ended:    {koji.formatTimeLong(BUILD['completion_ts'])}\n"
        "\n"
        "Latest changes:\n"
        "  * Tue Nov 14 2023 Anna <anna@example.org> 1.0-1\n"
        "  - für Zoë\n"
        "  \n"
        "  * Mon Nov 13 2023 Anna <anna@example.org> 0.9-1\n"
        "  - first\n"
        "\n"
        "Source packages:\n"
        "  hello-1.0-1.md1.src.rpm\n"
        "\n"
        "Tasks that are closed:\n"
        "\n"
        "  30: build (dist, /hello:main)\n"
        "\n"
        "  32: buildSRPMFromSCM (/hello:main), on builder2\n"
        "    logs:\n"
        f"      {WEB}/getfile?taskID=32&name=checkout.log&volume=DEFAULT\n"
        "\n"
        "  31: buildArch (hello.src.rpm, x86_64), on builder2\n"
        "    logs:\n"
        f"      {WEB}/getfile?taskID=31&name=build.log&volume=DEFAULT\n"
        f"      {WEB}/getfile?taskID=31&name=root.log&volume=DEFAULT\n"
        f"      {WEB}/getfile?taskID=31&name=build.log&volume=vol2\n"
        "    packages:\n"
        f"      {files}/x86_64/hello-1.0-1.md1.x86_64.rpm\n"
        "    other files:\n"
        f"      {WEB}/getfile?taskID=31&name=a%20file&volume=DEFAULT\n"
        "\n"
        f"The task:  {WEB}/taskinfo?taskID=30\n"
        f"The build: {WEB}/buildinfo?buildID=5\n"
    )


def test_failed_build(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    """The error of the build's task, the hosts of all that failed, and the logs where they still are."""
    failed: dict[str, Any] = {"state": "FAILED", "fault": [1005, "error building package\nThe task:  forged"]}
    calls = [
        *task_calls(30, "build", [URL, "dist", {}], children=(31, 32, 33), **failed),
        *task_calls(31, "buildArch", ["p", 2, "x86_64", True], output={"build.log": ["vol2"]}, **failed),
        *task_calls(
            32, "buildArch", ["p", 2, "i686", True], host=3, state="CANCELED", fault=[1000, "canceled"]
        ),
        *task_calls(33, "buildArch", ["p", 2, "noarch", True], output={"p.noarch.rpm": ["vol2"]}),
        changes([]),
    ]
    build = {**BUILD, "state": koji.BUILD_STATES["FAILED"], "completion_ts": None}
    mail = run(make_handler, config, server, calls, build, None)
    assert mail.message["Subject"] == "Package: hello-1.0-1.md1 Tag: None Status: failed Built by: carl"
    assert mail.message["X-Koji-Tag"] == "None"
    text = mail.text
    assert (
        "Ended:    \n"
        "\n"
        "hello-1.0-1.md1 (5) failed on builder2 (x86_64), builder2 (x86_64):\n"
        "  BuildError: error building package\n"
        "  The task:  forged\n"
        "\n"
        "Tasks that are failed:\n"
    ) in text
    assert f"      {WEB}/getfile?taskID=31&name=build.log&volume=vol2\n" in text
    assert f"    packages:\n      {WEB}/getfile?taskID=33&name=p.noarch.rpm&volume=vol2\n" in text
    assert text.index("Tasks that are failed") < text.index("Tasks that are canceled")
    assert "Latest changes" not in text
    assert "s3cret" not in text


def test_canceled_build(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    """Who has canceled it owns the mail's task. Nothing is known of the build's own."""
    calls = [
        call("getTaskInfo", 30),
        call("getTaskInfo", TASK, result={"owner": 3}),
        call("getUser", 3, result={"id": 3, "name": "dora"}),
        changes([]),
    ]
    build = {**BUILD, "state": koji.BUILD_STATES["CANCELED"]}
    mail = run(make_handler, config, server, calls, build, TARGET)
    assert "Status:   canceled, by dora\n" in mail.text
    assert "Tasks that" not in mail.text


def test_nobody_to_tell_needs_neither_hub_nor_server(make_handler: MakeHandler) -> None:
    assert (
        make_handler(BuildNotificationTask, TASK, [[], BUILD, TARGET, WEB], ReplaySession([])).run() is None
    )


def test_no_server_is_the_operators_fault(make_handler: MakeHandler) -> None:
    task = make_handler(BuildNotificationTask, TASK, [[ANNA], BUILD, TARGET, WEB], ReplaySession([]))
    with pytest.raises(koji.GenericError, match=r"option smtphost is 'example.com'"):
        task.run()


def test_a_task_that_is_taken_away_sends_nothing(
    make_handler: MakeHandler, config: Config, server: MailServer
) -> None:
    changed = dataclasses.replace(config, smtphost=server.address)
    session = ReplaySession([{"call": "getTaskInfo", "args": [30], "fault": [1004, "not yours"]}])
    task = make_handler(BuildNotificationTask, TASK, [[ANNA], BUILD, TARGET, WEB], session, config=changed)
    with pytest.raises(koji.ActionNotAllowed):
        task.run()
    assert not server.received
