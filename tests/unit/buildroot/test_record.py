"""What the hub is told of a buildroot's packages, and when where they come from is read."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pytest_mock import MockerFixture

from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.record import BuildrootRecord, Origins, PackageLists
from koji_adjutant.hub.session import HubSession

BASH = InstalledPackage(
    name="bash",
    version="5",
    release="1",
    epoch=None,
    arch="x86_64",
    size=1,
    buildtime=2,
    payloadhash="0" * 32,
)


def test_origins_are_read_once_for_both_lists(mocker: MockerFixture) -> None:
    reads: list[str] = []

    def read() -> Origins:
        reads.append("read")
        return Origins(external={}, urls={}, premerge="", internal={BASH.nvra: (9, BASH.payloadhash)})

    def submit(call: Callable[[], Origins]) -> Future[Origins]:
        done: Future[Origins] = Future()
        done.set_result(call())
        return done

    session: Any = mocker.create_autospec(HubSession, instance=True)
    session.host = host = mocker.Mock()
    record = BuildrootRecord(session, repo_id=7, arch="x86_64", task_id=5)
    record.id = 3
    lists = PackageLists(record, read, submit)
    lists.begin()
    lists.base([BASH])
    lists.whole([BASH])
    rows = [{**BASH.row(), "id": 9}]
    assert host.mock_calls == [
        mocker.call.setBuildRootList(3, rows),
        mocker.call.setBuildRootState(3, "BUILDING"),
        mocker.call.updateBuildRootList(3, rows),
    ]
    assert reads == ["read"]
