"""Buildroots: whose they are, the order of their states, and the lists that each state takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built

KEYS = {
    *("id", "br_type", "cg_id", "cg_name", "cg_version", "container_arch", "arch", "container_type"),
    *("host_os", "host_arch", "extra", "state", "task_id", "host_id", "host_name", "repo_id"),
    *("repo_state", "tag_id", "tag_name", "create_event_id", "create_event_time", "create_ts"),
    *("retire_event_id", "retire_event_time", "retire_ts", "repo_create_event_id"),
    "repo_create_event_time",
}


@pytest.fixture
def repo(hub: ContentHub, builder: Caller) -> int:
    """A repo of `dist`, which sees the external repo `outside`."""
    hub.tag()
    hub.admin.createExternalRepo("outside", "http://outside.example")
    hub.admin.createExternalRepo("beyond", "http://beyond.example")
    repo_id: int = builder.host.repoInit("dist")[0]
    return repo_id


@pytest.fixture
def buildroot(hub: ContentHub, builder: Caller, repo: int) -> int:
    return hub.buildroot(builder, repo)


def external(name: str, *, location: Any = "outside", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "1",
        "release": "1",
        "epoch": None,
        "arch": "x86_64",
        "size": 100,
        "buildtime": 1_700_000_000,
        "payloadhash": "0" * 32,
        "location": location,
        **changes,
    }


def names(admin: Caller, buildroot: int) -> dict[str, bool]:
    """Each package and whether it came with an update."""
    return {rpm["name"]: rpm["is_update"] for rpm in admin.listRPMs(componentBuildrootID=buildroot)}


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


def test_an_external_rpm_has_its_repo(admin: Caller, builder: Caller, buildroot: int) -> None:
    builder.host.setBuildRootList(buildroot, [external("bash", epoch=1)])
    (rpm,) = admin.listRPMs(componentBuildrootID=buildroot)
    assert (rpm["external_repo_name"], rpm["build_id"], rpm["epoch"]) == ("outside", None, 1)
    assert (rpm["component_buildroot_id"], rpm["draft"]) == (buildroot, None)
    assert admin.getRPM("bash-1-1.x86_64@outside")["id"] == rpm["id"]
    assert admin.getRPM("bash-1-1.x86_64@beyond") is None
    assert admin.getBuildrootListing(buildroot)[0]["rpm_id"] == rpm["id"]


@pytest.mark.parametrize(
    "field", ["name", "version", "release", "epoch", "arch", "payloadhash", "size", "buildtime"]
)
def test_every_field_of_an_external_rpm_is_checked(
    admin: Caller, builder: Caller, buildroot: int, field: str
) -> None:
    wrong = {**external("bash"), field: [1]}
    lacking = {name: value for name, value in external("bash").items() if name != field}
    with pytest.raises(koji.GenericError, match=f"Invalid value for {field}"):
        builder.host.setBuildRootList(buildroot, [wrong])
    with pytest.raises(koji.GenericError, match=f"{field} field missing"):
        builder.host.setBuildRootList(buildroot, [lacking])
    assert names(admin, buildroot) == {}


def test_one_external_name_has_one_content_in_a_repo(
    hub: ContentHub, admin: Caller, builder: Caller, repo: int, buildroot: int
) -> None:
    builder.host.setBuildRootList(buildroot, [external("bash")])
    second = hub.buildroot(builder, repo)
    with pytest.raises(koji.GenericError, match=r"hash changed for external rpm: bash-1-1\.x86_64@outside"):
        builder.host.setBuildRootList(second, [external("gcc"), external("bash", payloadhash="f" * 32)])
    assert admin.getRPM("gcc-1-1.x86_64") is None
    elsewhere = external("bash", payloadhash="f" * 32, location=admin.getExternalRepo("beyond")["id"])
    builder.host.setBuildRootList(second, [elsewhere])
    assert len(admin.getRPM("bash-1-1.x86_64", multi=True)) == 2
    with pytest.raises(koji.GenericError, match="external_repo"):
        builder.host.setBuildRootList(hub.buildroot(builder, repo), [external("a", location=77)])


def test_a_rpm_of_ours_is_found_by_id_or_name(
    hub: ContentHub, admin: Caller, builder: Caller, buildroot: int, hello: Built
) -> None:
    hub.complete_build(hello)
    rpm = admin.getRPM("hello-1.0-1.noarch")
    builder.host.setBuildRootList(buildroot, [{"id": rpm["id"], "name": "whatever"}])
    builder.host.setBuildRootState(buildroot, "BUILDING")
    nvra = {name: rpm[name] for name in ("name", "version", "release", "arch")}
    builder.host.updateBuildRootList(buildroot, [nvra])
    assert names(admin, buildroot) == {"hello": False}


def test_a_package_that_comes_from_nowhere(admin: Caller, builder: Caller, buildroot: int) -> None:
    unknown = {name: value for name, value in external("bash").items() if name != "location"}
    with pytest.raises(koji.GenericError, match="No such rpm"):
        builder.host.setBuildRootList(buildroot, [external("gcc"), unknown])
    assert names(admin, buildroot) == {}
    assert admin.getRPM("gcc-1-1.x86_64") is None
