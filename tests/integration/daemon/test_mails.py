"""Mails by the daemon's own tasks, where the mail server does not do as it should. No secret is in any log."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from xmlrpc.client import Fault, dumps

import koji
import pytest

from tests.hubs import HOST, PASSWORD, Hub
from tests.integration.daemon.kojid_process import Kojid
from tests.mail_server import mail_server
from tests.processes import is_alive
from tests.waiting import eventually, lasts

SECRET = "w-secret-7"
LOUD = ("--fg", "--verbose", "--debug", "--debug-task", "--debug-xmlrpc")


@pytest.fixture
def mail_task(hub: Hub) -> int:
    """A buildNotification of a build that has failed; nobody has taken it."""
    task = hub.admin.build("cli-build/x/hello-1-1.src.rpm", None, {})
    host = koji.ClientSession(hub.hub.url, {"user": HOST, "password": PASSWORD})
    host.login()
    host.exclusiveSession()
    host.host.openTask(task)
    build = host.host.initBuild(
        {"name": "hello", "version": "1", "release": "1", "epoch": None, "task_id": task}
    )
    host.host.failBuild(task, build)
    host.host.failTask(task, dumps(Fault(1005, "it failed")))
    host.logout()
    (made,) = hub.admin.listTasks({"method": "buildNotification"})
    return int(made["id"])


@contextmanager
def silent() -> Iterator[tuple[str, socket.socket]]:
    """A server that takes a connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}", listening


def assert_nothing_is_told(kojid: Kojid) -> None:
    for file in (kojid.log, kojid.state / "journal"):
        assert SECRET not in file.read_text(), file
    assert kojid.leftovers() == []


def test_a_login_that_is_refused(kojid: Kojid, mail_task: int) -> None:
    with mail_server(login=True) as server:
        options = {"smtphost": server.address, "smtp_user": "buildsys", "smtp_pass": SECRET}
        with kojid.running(*LOUD, **options):
            kojid.wait_for(mail_task, "FAILED")
        assert server.logins
        assert not server.received
    with pytest.raises(koji.GenericError, match="refuses the login as 'buildsys': 535") as caught:
        kojid.hub.admin.getTaskResult(mail_task)
    assert SECRET not in str(caught.value)
    assert_nothing_is_told(kojid)


def test_a_mail_that_takes_for_ever_is_canceled(kojid: Kojid, mail_task: int) -> None:
    with silent() as (address, _), kojid.running(*LOUD, smtphost=address, smtp_user="a", smtp_pass=SECRET):
        pid = kojid.pid_of(mail_task)
        lasts(lambda: kojid.task_state(mail_task) == "OPEN", "it waits for the server", seconds=1)
        kojid.hub.admin.cancelTask(mail_task)
        eventually(lambda: not is_alive(pid), "its process is gone")
    assert_nothing_is_told(kojid)


def test_no_mail_server(kojid: Kojid, mail_task: int) -> None:
    """As a new host has none: the next option to set is named."""
    with kojid.running():
        kojid.wait_for(mail_task, "FAILED")
    with pytest.raises(koji.GenericError, match=r"option smtphost is 'example\.com'; set it"):
        kojid.hub.admin.getTaskResult(mail_task)
    assert_nothing_is_told(kojid)
