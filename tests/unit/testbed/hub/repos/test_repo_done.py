"""A repo that is done: its metadata moves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.repos.repo_files import directory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def test_repo_done_moves_the_metadata(
    hub: ContentHub, admin: Caller, builder: Caller, tmp_path: Path
) -> None:
    hub.tag("dist")
    task_id = hub.task(builder, "createrepo")
    files = [tmp_path / "repomd.xml", tmp_path / "primary.xml.gz"]
    for file in files:
        file.write_text(file.name, encoding="utf-8")
    hub.upload(task_id, *files)
    repo_id = builder.host.repoInit("dist")[0]
    upload_path = koji.PathInfo().taskrelpath(task_id)
    builder.host.repoDone(
        repo_id,
        {"x86_64": [upload_path, [file.name for file in files]]},
        repo_json_updates={"cloned_from_repo_id": 1},
    )
    home = directory(hub, repo_id)
    for file in files:
        assert (home / "x86_64" / "repodata" / file.name).read_text(encoding="utf-8") == file.name
        assert not (hub.topdir / "work" / upload_path / file.name).exists()
    assert json.loads((home / "repo.json").read_text(encoding="utf-8"))["cloned_from_repo_id"] == 1
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_READY
    assert (home.parent / "latest").readlink().name == str(repo_id)
    with pytest.raises(koji.GenericError, match="not in INIT state"):
        builder.host.repoDone(repo_id, {})


@pytest.mark.usefixtures("tag")
def test_repo_done_refuses_what_is_not_there(hub: ContentHub, admin: Caller, builder: Caller) -> None:
    repo_id = builder.host.repoInit("dist")[0]
    with pytest.raises(koji.GenericError, match="Repo arch directory missing"):
        builder.host.repoDone(repo_id, {"s390x": ["tasks/1/1", []]})
    with pytest.raises(koji.GenericError, match="uploaded file missing"):
        builder.host.repoDone(repo_id, {"x86_64": ["tasks/1/1", ["repomd.xml"]]})
    with pytest.raises(koji.ParameterError):
        builder.host.repoDone(repo_id, [])
    with pytest.raises(koji.AuthError):
        admin.host.repoDone(repo_id, {})
    assert admin.repoInfo(repo_id)["state"] == koji.REPO_INIT
