"""What rpm files themselves say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


def test_headers_of_a_build(hub: ContentHub, admin: Caller, hello: Built) -> None:
    build = hub.complete_build(hello)
    (binary,) = admin.listRPMs(buildID=build, arches="noarch")
    assert admin.getRPMHeaders(rpmID=binary["id"], headers=["name", "version"]) == {
        "name": "hello",
        "version": "1.0",
    }


def test_headers_of_an_upload(hub: ContentHub, admin: Caller, builder: Caller, hello: Built) -> None:
    task = hub.task(builder)
    hub.upload(task, hello.srpm)
    found = admin.getRPMHeaders(taskID=task, filepath=hello.srpm.name, headers=["name", "sourcepackage"])
    assert found == {"name": "hello", "sourcepackage": 1}


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x.rpm", "a/../../b"])
def test_paths_that_lead_elsewhere(hub: ContentHub, admin: Caller, builder: Caller, path: str) -> None:
    task = hub.task(builder)
    with pytest.raises(koji.GenericError, match="Invalid filepath"):
        admin.getRPMHeaders(taskID=task, filepath=path)


def test_a_file_that_is_not_there(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    task = hub.task(builder)
    assert admin.getRPMHeaders(taskID=task, filepath="none.rpm") == {}
    with pytest.raises(koji.GenericError, match="Missing rpm file"):
        admin.getRPMHeaders(taskID=task, filepath="none.rpm", strict=True)
    with pytest.raises(koji.GenericError, match="must be specified"):
        admin.getRPMHeaders()
