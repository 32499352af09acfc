"""Buildroots: whose they are, the order of their states, and the lists that each state takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

from tests.unit.testbed.hub.builds.test_buildroot_lists import external, names

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub

KEYS = {
    *("id", "br_type", "cg_id", "cg_name", "cg_version", "container_arch", "arch", "container_type"),
    *("host_os", "host_arch", "extra", "state", "task_id", "host_id", "host_name", "repo_id"),
    *("repo_state", "tag_id", "tag_name", "create_event_id", "create_event_time", "create_ts"),
    *("retire_event_id", "retire_event_time", "retire_ts", "repo_create_event_id"),
    "repo_create_event_time",
}


def test_a_buildroot_has_the_real_hubs_fields(
    hub: ContentHub, admin: Caller, builder: Caller, repo: int, buildroot: int
) -> None:
    (row,) = admin.listBuildroots(buildrootID=[buildroot])
    assert set(row) == KEYS
    assert admin.getBuildroot(buildroot) == row
    assert (row["state"], row["arch"], row["container_arch"]) == (koji.BR_STATES["INIT"], "x86_64", "x86_64")
    assert (row["br_type"], row["container_type"]) == (koji.BR_TYPES["STANDARD"], "chroot")
    assert (row["host_name"], row["repo_id"], row["tag_name"]) == ("builder", repo, "dist")
    assert row["repo_create_event_id"] == admin.repoInfo(repo)["create_event"]
    assert (row["retire_event_id"], row["retire_event_time"], row["retire_ts"]) == (None, None, None)
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    expired = admin.getBuildroot(buildroot)
    assert (expired["state"], expired["retire_event_id"]) == (
        koji.BR_STATES["EXPIRED"],
        admin.getLastEvent()["id"],
    )
    assert expired["retire_ts"] > row["create_ts"]


def test_listing(hub: ContentHub, admin: Caller, builder: Caller, repo: int, buildroot: int) -> None:
    other = hub.buildroot(builder, repo)
    builder.host.setBuildRootState(other, "EXPIRED")
    builder.host.setBuildRootList(buildroot, [external("bash")])
    rpm_id = admin.listRPMs(componentBuildrootID=buildroot)[0]["id"]
    first = admin.getBuildroot(buildroot)

    def listed(**filters: Any) -> list[int]:
        return [row["id"] for row in admin.listBuildroots(**filters)]

    assert listed(hostID=first["host_id"], state=[0, 1, 2]) == [buildroot]
    assert listed(state=koji.BR_STATES["EXPIRED"]) == [other]
    assert listed(taskID=first["task_id"]) == [buildroot]
    assert listed(tagID=first["tag_id"], repoID=repo) == [buildroot, other]
    assert listed(rpmID=rpm_id) == [buildroot]
    assert listed(archiveID=1) == listed(buildrootID=[]) == listed(hostID=99) == []
    assert admin.listBuildroots(queryOpts={"countOnly": True}) == 2
    assert admin.getBuildroot(other + 1) is None
    with pytest.raises(koji.GenericError, match="No such buildroot"):
        admin.getBuildroot(other + 1, strict=True)


def test_the_states_in_order(admin: Caller, builder: Caller, buildroot: int) -> None:
    host = builder.host
    with pytest.raises(koji.GenericError, match="in wrong state"):
        host.updateBuildRootList(buildroot, [])
    host.setBuildRootList(buildroot, [external("bash")])
    with pytest.raises(koji.GenericError, match="Cannot change buildroot state to INIT"):
        host.setBuildRootState(buildroot, "INIT")
    host.setBuildRootState(buildroot, "BUILDING")
    with pytest.raises(koji.GenericError, match="in wrong state"):
        host.setBuildRootList(buildroot, [external("gcc")])
    host.updateBuildRootList(buildroot, [external("bash"), external("gcc")])
    host.setBuildRootState(buildroot, koji.BR_STATES["EXPIRED"])
    host.setBuildRootState(buildroot, "EXPIRED")
    with pytest.raises(koji.GenericError, match="is EXPIRED"):
        host.setBuildRootState(buildroot, "BUILDING")
    with pytest.raises(koji.GenericError, match="in wrong state"):
        host.updateBuildRootList(buildroot, [external("make")])
    assert names(admin, buildroot) == {"bash": False, "gcc": True}


def test_only_the_host_that_made_it_may(hub: ContentHub, builder: Caller, repo: int, buildroot: int) -> None:
    other = hub.host("other").host
    for method, argument in (
        (other.setBuildRootState, "EXPIRED"),
        (other.setBuildRootList, []),
        (other.updateBuildRootList, []),
    ):
        with pytest.raises(koji.ActionNotAllowed, match="not owner of buildroot"):
            method(buildroot, argument)
    with pytest.raises(koji.ActionNotAllowed, match="does not own task"):
        other.newBuildRoot(repo, "x86_64", task_id=hub.task(builder))
    with pytest.raises(koji.ActionNotAllowed, match="does not have lock"):
        builder.host.setBuildRootState(buildroot, "BUILDING", task_id=hub.task(builder))
    with pytest.raises(koji.GenericError, match="no buildroot with ID"):
        builder.host.setBuildRootState(buildroot + 1, "BUILDING")
    with pytest.raises(koji.AuthError):
        hub.admin.host.newBuildRoot(repo, "x86_64", task_id=1)
    with pytest.raises(koji.GenericError, match="task_id"):
        builder.host.newBuildRoot(repo, "x86_64")
