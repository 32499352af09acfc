"""Rpms that clients look up, and the kinds of thing that this hub has none of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


@pytest.fixture
def build_id(hub: ContentHub, hello: Built) -> int:
    return hub.complete_build(hello)


def test_a_rpm_is_found_by_id_name_and_dict(admin: Caller, build_id: int) -> None:
    rpm = admin.getRPM("hello-1.0-1.noarch")
    assert rpm["build_id"] == build_id
    assert "nvr" not in rpm
    assert admin.getRPM(rpm["id"]) == admin.getRPM(str(rpm["id"])) == rpm
    key = {"name": "hello", "version": "1.0", "release": "1", "arch": "noarch"}
    assert admin.getRPM(key) == rpm
    assert admin.getRPM(key, multi=True) == [rpm]
    assert admin.getRPM("hello-1.0-1.x86_64") is None
    with pytest.raises(koji.GenericError, match="No such rpm"):
        admin.getRPM("hello-1.0-1.x86_64", strict=True)
    with pytest.raises(koji.GenericError, match="Invalid type"):
        admin.getRPM([1])


def test_rpms_of_a_build(admin: Caller, build_id: int) -> None:
    assert [rpm["arch"] for rpm in admin.listRPMs(buildID=build_id)] == ["src", "noarch"]
    assert [rpm["nvr"] for rpm in admin.listRPMs(buildID=build_id, arches=["noarch"])] == ["hello-1.0-1"]
    assert admin.listRPMs(buildID=build_id, arches="x86_64") == []
    assert admin.listBuildRPMs("hello-1.0-1") == admin.listRPMs(buildID=build_id)
    assert admin.listRPMs(buildID=build_id + 1) == admin.listRPMs(imageID=1) == []
    assert admin.listRPMs(buildID=build_id, queryOpts={"order": "arch", "limit": 1})[0]["arch"] == "noarch"
    with pytest.raises(koji.GenericError, match="arches"):
        admin.listRPMs(buildID=build_id, arches={"x86_64": 1})


def test_the_header_of_an_unsigned_rpm_is_kept(
    hub: ContentHub, admin: Caller, build_id: int, hello: Built
) -> None:
    header = koji.rip_rpm_sighdr(str(hello.rpms[0]))
    kept = hub.topdir / "packages/hello/1.0/1/data/sigcache/noarch" / f"{hello.rpms[0].name}.sig"
    assert kept.read_bytes() == header
    (signature,) = admin.queryRPMSigs("hello-1.0-1.noarch")
    assert signature == {
        "rpm_id": admin.getRPM("hello-1.0-1.noarch")["id"],
        "sigkey": "",
        "sighash": hashlib.md5(header).hexdigest(),
    }
    assert len(admin.queryRPMSigs(sigkey="")) == len(admin.listRPMs(buildID=build_id))
    assert admin.queryRPMSigs("nothing-1-1.noarch") == admin.queryRPMSigs(sigkey="ABCD") == []


def test_no_archives(admin: Caller, build_id: int) -> None:
    assert admin.listArchives(buildID=build_id, type="maven") == []
    assert admin.getMavenBuild(build_id) is None
    assert admin.getWinBuild(build_id) is None
    assert admin.getBuildType(build_id) == {"rpm": None}
    assert admin.getBuildType("nothing-1-1") is None
    assert (admin.mavenEnabled(), admin.winEnabled()) == (False, False)
    with pytest.raises(koji.GenericError):
        admin.getMavenBuild(build_id, strict=True)


def test_a_build_task(hub: ContentHub, admin: Caller) -> None:
    alice = hub.user("alice")
    task = admin.getTaskInfo(
        alice.build("cli-build/x/hello.src.rpm", "dist", {"scratch": True}), request=True
    )
    assert (task["method"], task["priority"]) == ("build", koji.PRIO_DEFAULT)
    assert task["request"] == ["cli-build/x/hello.src.rpm", "dist", {"scratch": True}]
    later = admin.getTaskInfo(alice.build("a.src.rpm", "dist", priority=5, channel="image"))
    assert later["priority"] == koji.PRIO_DEFAULT + 5
    with pytest.raises(koji.ActionNotAllowed, match="high-priority"):
        alice.build("a.src.rpm", "dist", priority=-5)
    with pytest.raises(koji.ParameterError):
        alice.build(["a.src.rpm"], "dist")
    with pytest.raises(koji.ActionNotAllowed):
        hub.anonymous.build("a.src.rpm", "dist")
