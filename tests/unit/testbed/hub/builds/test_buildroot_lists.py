"""The packages of a buildroot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


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
