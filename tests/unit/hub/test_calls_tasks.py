"""A task that was freed meanwhile, an hour that is over, files that arrive otherwise."""

from dataclasses import replace
from pathlib import Path
from xmlrpc.client import dumps

import koji
import pytest
from pytest_mock import MockerFixture

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub.claim import HubContact
from tests.unit.hub.conftest import ERROR, Host, Weather


def test_a_task_that_was_freed_for_our_silence_goes_on(host: Host) -> None:
    host.contact.lost()
    host.hub.admin.freeTask(host.task)
    host.upload()
    assert host.state() == "OPEN"
    response = dumps((None,), methodresponse=True, allow_none=True)
    host.hub.admin.freeTask(host.task)
    host.session.host.closeTask(host.task, response)
    assert host.state() == "CLOSED"


def test_a_task_that_somebody_freed_does_not(host: Host, tmp_path: Path) -> None:
    assert host.session.claim
    contact = HubContact(tmp_path, 5, may_return=0.0)
    host.session.claim = replace(host.session.claim, contact=contact)
    contact.seen()
    host.hub.admin.freeTask(host.task)
    with pytest.raises(koji.ActionNotAllowed):
        host.upload()
    assert host.state() == "FREE"


def test_a_task_that_another_host_has_does_not(host: Host) -> None:
    host.contact.lost()
    host.hub.hub.accounts.add_host("other", "o-secret-7", arches=("x86_64",))
    host.hub.admin.freeTask(host.task)
    host.hub.admin.assignTask(host.task, "other")
    with pytest.raises(koji.ActionNotAllowed):
        host.upload()
    assert host.hub.admin.getTaskInfo(host.task)["host_id"] != host.session.claim.host  # type: ignore[union-attr]


def test_giving_up_is_no_failure_of_the_task(host: Host, weather: Weather) -> None:
    host.session.pauses = replace(host.session.pauses, claimed=0.0)
    weather.coming = [ERROR] * 9
    with pytest.raises(TaskCanceled, match="not answered echo for too long: 500"):
        host.session.echo("x")
    weather.coming = []


# Files


def test_a_file_that_arrived_otherwise_is_sent_again(
    host: Host, mocker: MockerFixture, tmp_path: Path
) -> None:
    file = tmp_path / "a.rpm"
    file.write_bytes(b"content")
    upload = mocker.patch.object(
        koji.ClientSession, "fastUpload", side_effect=[koji.GenericError("wrong checksum"), None]
    )
    host.session.uploadWrapper(str(file), koji.pathinfo.taskrelpath(host.task))
    assert upload.call_count == 2
    upload.side_effect = koji.ActionNotAllowed("not yours")
    with pytest.raises(koji.ActionNotAllowed):
        host.session.uploadWrapper(str(file), koji.pathinfo.taskrelpath(host.task))
    assert upload.call_count == 3
