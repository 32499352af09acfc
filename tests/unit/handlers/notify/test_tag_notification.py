"""Mails about tags: the same calls to the hub as kojid's, the same headers, the same facts in the same order."""

import dataclasses
from typing import Any

import koji
import pytest

from koji_adjutant.config import Config
from koji_adjutant.handlers.notify.tag_notification import TagNotificationTask
from tests.mail_server import MailServer
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession

TASK = 41
ANNA, BERT = "anna@example.org", "bert@example.org"
BUILD = {
    "id": 5,
    "package_name": "hello",
    "name": "hello",
    "version": "1.0",
    "release": "1.md1",
    "nvr": "hello-1.0-1.md1",
    "draft": False,
}
CALLS = {
    "build": ("getBuild", [5], BUILD),
    "user": ("getUser", [3], {"id": 3, "name": "carl"}),
    "from": ("getTag", [8], {"id": 8, "name": "candidate"}),
    "into": ("getTag", [9], {"id": 9, "name": "stable"}),
}


def hub(*names: str, **changes: Any) -> ReplaySession:
    calls = {**CALLS, **{name: (*CALLS[name][:2], result) for name, result in changes.items()}}
    return ReplaySession(
        [{"call": call, "args": args, "result": result} for call, args, result in map(calls.get, names)]  # type: ignore[misc]
    )


def run(
    make_handler: MakeHandler, config: Config, server: MailServer, session: ReplaySession, *params: Any
) -> Any:
    changed = dataclasses.replace(config, smtphost=server.address)
    result = make_handler(TagNotificationTask, TASK, list(params), session, config=changed).run()
    assert session.finished()
    return result


def test_tagged(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    session = hub("build", "user", "into")
    result = run(make_handler, config, server, session, [ANNA, BERT], True, 9, None, 5, 3, False, "not told")
    assert result == f"sent notification of tag operation {TASK} to: {ANNA}, {BERT}"
    (mail,) = server.received
    assert mail.recipients == (ANNA, BERT)
    assert mail.message.items()[:9] == [
        ("From", "Koji Build System <buildsys@example.com>"),
        ("Subject", "hello-1.0-1.md1 successfully tagged into stable by carl"),
        ("To", f"{ANNA}, {BERT}"),
        ("X-Koji-Package", "hello"),
        ("X-Koji-NVR", "hello-1.0-1.md1"),
        ("X-Koji-Draft", "False"),
        ("X-Koji-User", "carl"),
        ("X-Koji-Status", "complete"),
        ("X-Koji-Tag", "stable"),
    ]
    assert mail.text == (
        "Package:   hello\n"
        "Build:     hello-1.0-1.md1\n"
        "By:        carl\n"
        "Status:    complete\n"
        "Operation: tagged\n"
        "Into:      stable\n"
        "\n"
        "hello-1.0-1.md1 successfully tagged into stable by carl.\n"
    )


def test_untagged(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    run(make_handler, config, server, hub("build", "user", "from"), [ANNA], True, None, 8, 5, 3)
    (mail,) = server.received
    assert mail.message["Subject"] == "hello-1.0-1.md1 successfully untagged from candidate by carl"
    assert mail.message.get_all("X-Koji-Tag") == ["candidate"]
    assert "Operation: untagged\nOut of:    candidate\n\n" in mail.text


def test_a_move_that_failed(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    """Both tags are in the headers; what the error says is nothing else's line."""
    session = hub("build", "user", "from", "into", user={"id": 3, "name": "carl\r\nX-Koji-Status: complete"})
    error = "<class 'koji.TagError'>: policy\nStatus:    complete"
    run(make_handler, config, server, session, [ANNA], False, 9, 8, 5, 3, True, error)
    (mail,) = server.received
    name = r"carl\r\nX-Koji-Status: complete"
    said = f"hello-1.0-1.md1 unsuccessfully moved from candidate into stable by {name}"
    assert mail.message["Subject"] == said
    assert mail.message.get_all("X-Koji-Tag") == ["candidate", "stable"]
    assert mail.message.get_all("X-Koji-Status") == ["failed"]
    assert mail.text.endswith(
        "Status:    failed\nOperation: moved\nOut of:    candidate\nInto:      stable\n"
        f"\n{said}.\n\nThe error was:\n  <class 'koji.TagError'>: policy\n  Status:    complete\n"
    )


@pytest.mark.parametrize(
    "params", [([], True, 9, None, 5, 3), ([], False, 9, None, 5, 3), ([ANNA], True, 9, None, 5, 3, True)]
)
def test_nothing_to_send_needs_neither_hub_nor_server(
    make_handler: MakeHandler, params: tuple[Any, ...]
) -> None:
    assert make_handler(TagNotificationTask, TASK, list(params), ReplaySession([])).run() is None


def test_no_server_is_the_operators_fault(make_handler: MakeHandler) -> None:
    task = make_handler(TagNotificationTask, TASK, [[ANNA], True, 9, None, 5, 3], ReplaySession([]))
    with pytest.raises(koji.GenericError, match=r"option smtphost is 'example.com'") as caught:
        task.run()
    assert caught.value.faultCode == 1000


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("build",), "build 5 does not exist"),
        (("build", "user"), "user 3 does not exist"),
        (("build", "user", "into"), "tag 9 does not exist"),
    ],
)
def test_what_is_gone_is_named(
    make_handler: MakeHandler,
    config: Config,
    server: MailServer,
    names: tuple[str, ...],
    said: str,
) -> None:
    session = hub(*names, **{names[-1]: None})
    with pytest.raises(koji.GenericError, match=said):
        run(make_handler, config, server, session, [ANNA], True, 9, None, 5, 3)
    assert session.finished()
    assert not server.received


def test_a_request_without_tags(make_handler: MakeHandler, config: Config, server: MailServer) -> None:
    with pytest.raises(koji.GenericError, match="names no tag"):
        run(make_handler, config, server, hub("build", "user"), [ANNA], True, None, None, 5, 3)
