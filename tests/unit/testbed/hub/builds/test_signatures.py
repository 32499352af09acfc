"""Signature headers of rpms."""

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
