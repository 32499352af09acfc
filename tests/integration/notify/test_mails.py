"""Mails about builds and tags, from the hub's task to the mail server, read by Python's own parser."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import koji
import pytest
import requests

from koji_adjutant.testbed.content import TAG, TARGET
from tests.integration.notify.conftest import DOMAIN
from tests.integration.running import Testbed
from tests.mail_server import MailServer, Received
from tests.waiting import eventually

pytestmark = pytest.mark.podman


def mail_tasks(testbed: Testbed, method: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = testbed.session.listTasks(
        {"method": method, "decode": True}, {"order": "id"}
    )
    return found


def mailed(testbed: Testbed, mails: MailServer, method: str, before: Sequence[dict[str, Any]]) -> Received:
    """The mail of the one task that was made since; the task is closed and says to whom it went."""
    (made,) = eventually(lambda: mail_tasks(testbed, method)[len(before) :], f"a task {method}")
    done = testbed.wait_task(made["id"])
    assert done.state == "CLOSED", testbed.fault(done.id)
    mail = mails.received[-1]
    assert str(testbed.session.getTaskResult(done.id)).endswith(f" to: {', '.join(mail.recipients)}")
    assert mail.message["From"] == "Koji <koji@people.example>"
    assert not mail.message.defects
    return mail


@pytest.fixture
def owner(testbed: Testbed) -> str:
    return f"{testbed.session.getLoggedInUser()['name']}@{DOMAIN}"


def test_a_complete_build(testbed: Testbed, mails: MailServer, owner: str) -> None:
    before = mail_tasks(testbed, "buildNotification")
    build = testbed.build(testbed.srpm("hello"))
    assert build.returncode == 0, build.output
    mail = mailed(testbed, mails, "buildNotification", before)
    user = owner.partition("@")[0]
    assert mail.recipients == (owner,)
    assert mail.message["Subject"] == f"Package: hello-1.0-1.md1 Tag: {TAG} Status: complete Built by: {user}"
    assert [mail.message[f"X-Koji-{name}"] for name in ("Tag", "Package", "Builder", "Status", "Draft")] == [
        *(TAG, "hello", user, "complete", "False")
    ]
    files = f"{testbed.description.topurl}/packages/hello/1.0/1.md1"
    for text in (
        "  hello-1.0-1.md1.src.rpm\n",
        f"      {files}/x86_64/hello-1.0-1.md1.x86_64.rpm\n",
        f"getfile?taskID={build.task('buildArch').id}&name=build.log&volume=DEFAULT\n",
        "Tasks that are closed:\n",
        f"taskID={build.task('build').id}\n",
    ):
        assert text in mail.text
    assert_there(testbed, mail)


def assert_there(testbed: Testbed, mail: Received) -> None:
    """Every package that the mail names."""
    lines = [line.strip() for line in mail.text.splitlines()]
    urls = [line for line in lines if line.startswith(f"{testbed.description.topurl}/packages/")]
    assert urls
    assert {requests.get(url, timeout=10).status_code for url in urls} == {HTTPStatus.OK}


def test_a_failed_build(testbed: Testbed, mails: MailServer) -> None:
    before = mail_tasks(testbed, "buildNotification")
    build = testbed.build(testbed.srpm("failing"))
    assert build.returncode != 0
    mail = mailed(testbed, mails, "buildNotification", before)
    assert mail.message["X-Koji-Status"] == "failed"
    task = build.task("buildArch")
    assert ") failed on builder (" in mail.text
    assert "  BuildError: error building package (arch x86_64)" in mail.text
    assert f"getfile?taskID={task.id}&name=build.log&volume=DEFAULT\n" in mail.text


def test_a_draft(testbed: Testbed, mails: MailServer) -> None:
    """Its release has its number, its packages have not."""
    before = mail_tasks(testbed, "buildNotification")
    build = testbed.build(testbed.srpm("noarch"), "--draft")
    assert build.returncode == 0, build.output
    mail = mailed(testbed, mails, "buildNotification", before)
    (made,) = testbed.session.listBuilds(taskID=build.task("build").id)
    assert made["draft"]
    assert made["nvr"].endswith(f",draft_{made['build_id']}")
    assert mail.message["X-Koji-Draft"] == "True"
    assert mail.message["Subject"].startswith(f"Package: {made['nvr']} Tag: {TAG} Status: complete")
    assert made["nvr"] in {tagged["nvr"] for tagged in testbed.session.listTagged(TAG)}
    assert_there(testbed, mail)


def test_a_tag(testbed: Testbed, mails: MailServer, owner: str) -> None:
    """The hub itself tells of what was untagged; a builder of what it has tagged."""
    user = owner.partition("@")[0]
    for arguments, said in (
        (("untag-build", TAG), f"untagged from {TAG}"),
        (("tag-build", TAG), f"tagged into {TAG}"),
    ):
        before = mail_tasks(testbed, "tagNotification")
        done = testbed.koji(*arguments, "hello-1.0-1.md1")
        assert done.returncode == 0, done.stdout
        mail = mailed(testbed, mails, "tagNotification", before)
        assert mail.message["Subject"] == f"hello-1.0-1.md1 successfully {said} by {user}"
        assert mail.message["X-Koji-Tag"] == TAG


def test_a_canceled_build(testbed: Testbed, mails: MailServer, owner: str) -> None:
    before = mail_tasks(testbed, "buildNotification")
    asked = testbed.koji("build", "--nowait", TARGET, testbed.srpm("long"))
    task = next(
        int(line.split()[-1]) for line in asked.stdout.splitlines() if line.startswith("Created task:")
    )
    eventually(
        lambda: testbed.session.listBuilds(taskID=task, state=koji.BUILD_STATES["BUILDING"]), "it builds"
    )
    testbed.session.cancelTask(task)
    mail = mailed(testbed, mails, "buildNotification", before)
    assert f"Status:   canceled, by {owner.partition('@')[0]}\n" in mail.text


def test_nobody_takes_the_mail(testbed: Testbed, mails: MailServer, owner: str) -> None:
    """The task fails, and says for whom; the next one is not concerned."""
    mails.refused[owner] = "550 no such user"
    try:
        before = mail_tasks(testbed, "tagNotification")
        assert testbed.koji("untag-build", TAG, "hello-1.0-1.md1").returncode == 0
        (made,) = mail_tasks(testbed, "tagNotification")[len(before) :]
        assert testbed.wait_task(made["id"]).state == "FAILED"
        assert f"takes none of '{owner}' (550 no such user)" in testbed.fault(made["id"])
    finally:
        mails.refused.clear()
    before = mail_tasks(testbed, "tagNotification")
    assert testbed.koji("tag-build", TAG, "hello-1.0-1.md1").returncode == 0
    mailed(testbed, mails, "tagNotification", before)
