"""completeBuild and moveBuildToScratch: what is checked, recorded and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji
import pytest

from tests.format6 import BINARY, SOURCE
from tests.unit.testbed.hub.builds.attempt import Attempt
from tests.unit.testbed.hub.rpm_packages import Built

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub


def test_a_completed_build_has_its_rpms(admin: Caller, attempt: Attempt, hello: Built) -> None:
    assert attempt.complete() == admin.getBuild(hello.nvr)
    build = admin.getBuild(hello.nvr)
    assert build["state"] == koji.BUILD_STATES["COMPLETE"]
    source, binary = admin.listRPMs(buildID=build["id"])
    header: Any = koji.get_header_fields(str(hello.rpms[0]), ["sigmd5", "buildtime"])
    assert binary == {
        "arch": "noarch",
        "build_id": build["id"],
        "buildroot_id": None,
        "buildtime": header["buildtime"],
        "draft": False,
        "epoch": None,
        "external_repo_id": 0,
        "external_repo_name": "INTERNAL",
        "extra": None,
        "id": binary["id"],
        "metadata_only": False,
        "name": "hello",
        "nvr": "hello-1.0-1",
        "payloadhash": koji.hex_string(header["sigmd5"]),
        "release": "1",
        "size": hello.rpms[0].stat().st_size,
        "version": "1.0",
    }
    assert source["arch"] == "src"


def test_what_rpm_6_has_built_is_known_by_a_labelled_digest(
    hub: ContentHub, admin: Caller, builder: Caller
) -> None:
    """Which it is depends on the hub's own rpm: an older one cannot read the best."""
    six = Built(name="six", version="1", release="1", epoch=None, srpm=SOURCE, rpms=[BINARY])
    Attempt(hub, builder, six).complete()
    source, binary = admin.listRPMs(buildID=admin.getBuild(six.nvr)["id"])
    assert (source["arch"], binary["arch"]) == ("src", "noarch")
    label, _, digest = binary["payloadhash"].partition("::")
    assert (label, len(digest)) in {("sha256", 64), ("sha3-256", 64)}
    assert binary["payloadhash"] != source["payloadhash"]


def test_buildroots_of_the_rpms(hub: ContentHub, admin: Caller, builder: Caller, hello: Built) -> None:
    attempt = Attempt(hub, builder, hello)
    hub.tag()
    repo_id = builder.host.repoInit("dist")[0]
    buildroot = builder.host.newBuildRoot(repo_id, "x86_64", task_id=attempt.task_id)
    attempt.complete(brmap={attempt.rpms[0]: buildroot, attempt.srpm: buildroot})
    assert {rpm["arch"] for rpm in admin.listRPMs(buildrootID=buildroot)} == {"src", "noarch"}


def test_an_unknown_buildroot(attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="no buildroot with ID: 77"):
        attempt.complete(brmap={attempt.rpms[0]: 77})
    assert attempt.is_building()


def test_a_missing_file(hub: ContentHub, attempt: Attempt) -> None:
    (hub.topdir / "work" / attempt.rpms[0]).unlink()
    with pytest.raises(koji.GenericError, match="No such file"):
        attempt.complete()
    assert attempt.is_building()


def test_a_missing_log(attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="not a regular file"):
        attempt.complete(logs={"x86_64": ["tasks/1/1/build.log"]})


@pytest.mark.parametrize(("field", "value"), [("version", "1.1"), ("release", "9"), ("epoch", 4)])
def test_a_source_package_of_another_build(
    hub: ContentHub, builder: Caller, hello: Built, field: str, value: Any
) -> None:
    attempt = Attempt(hub, builder, hello, **{field: value})
    with pytest.raises(koji.GenericError, match=f"{field} mismatch"):
        attempt.complete()
    assert attempt.is_building()


def test_the_build_of_another_task(hub: ContentHub, builder: Caller, attempt: Attempt) -> None:
    other = hub.task(builder)
    with pytest.raises(koji.GenericError, match="task_id mismatch"):
        builder.host.completeBuild(other, attempt.build_id, attempt.srpm, attempt.rpms)


def test_what_is_no_source_package(builder: Caller, attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="not a source package"):
        builder.host.completeBuild(attempt.task_id, attempt.build_id, attempt.rpms[0], [])


def test_a_file_that_has_the_wrong_name(hub: ContentHub, attempt: Attempt) -> None:
    path = hub.topdir / "work" / attempt.rpms[0]
    path.rename(path.with_name("hello-2.0-1.noarch.rpm"))
    attempt.rpms = [attempt.rpms[0].replace("1.0", "2.0")]
    with pytest.raises(koji.GenericError, match=r"bad filename: hello-2\.0-1\.noarch\.rpm"):
        attempt.complete()


def test_an_rpm_from_another_source_package(hub: ContentHub, attempt: Attempt, newer_hello: Built) -> None:
    attempt.rpms = hub.upload(attempt.task_id, *newer_hello.rpms)
    with pytest.raises(koji.GenericError, match="srpm mismatch"):
        attempt.complete()
    assert attempt.is_building()


def test_a_build_that_is_not_building_any_more(builder: Caller, attempt: Attempt) -> None:
    builder.host.failBuild(attempt.task_id, attempt.build_id)
    with pytest.raises(koji.GenericError, match="state is FAILED"):
        attempt.complete()


def test_arguments_of_the_wrong_type(builder: Caller, attempt: Attempt) -> None:
    with pytest.raises(koji.ParameterError):
        builder.host.completeBuild(attempt.task_id, attempt.build_id, attempt.srpm, "one")
    with pytest.raises(koji.ParameterError):
        attempt.complete(brmap=[1])
