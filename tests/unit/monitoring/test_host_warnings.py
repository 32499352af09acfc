"""What an operator should look at, although the host takes tasks."""

from dataclasses import replace

import pytest

from koji_adjutant.journal.public import CredentialFacts, DiskFacts, PluginFacts
from koji_adjutant.monitoring.host_warnings import DAY, host_warnings
from koji_adjutant.monitoring.views import HostView

NOW = 1_800_000_000.0
HOST = HostView(
    name="builder",
    sentence="",
    alive=True,
    ready=True,
    obstacle="",
    reason="",
    since=0,
    started=0,
    version="",
    hub="",
    worker="",
    last_poll=NOW - 5,
    enabled=True,
    arches=(),
    channels=None,
    capacity=0,
    task_load=0,
    maxjobs=0,
    running=0,
    engine_version="",
    engine_problem="",
)


def disk(free: int | None, limit: int | None) -> HostView:
    facts = DiskFacts(area="workdir", path="/var/tmp/koji", free_bytes=free, limit_bytes=limit)
    return replace(HOST, disks=(facts,))


def credential(kind: str, days: float | None) -> HostView:
    expires = None if days is None else NOW + days * DAY
    return replace(HOST, credentials=(CredentialFacts(kind=kind, expires=expires),))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (HOST, ()),
        (replace(HOST, last_poll=NOW - 600), ("the hub has not answered for 10 minutes",)),
        (replace(HOST, last_poll=NOW - 600, obstacle="hub"), ()),
        (replace(HOST, engine_problem="too old"), ("the engine: too old",)),
        (replace(HOST, engine_problem="away", obstacle="engine"), ()),
        (disk(None, 64), ("workdir (/var/tmp/koji) cannot be looked at",)),
        (disk(None, None), ()),
        (disk(70_000_000, None), ()),
        (disk(90_000_000, 64_000_000), ()),
        (
            disk(70_000_000, 64_000_000),
            ("workdir (/var/tmp/koji) has 70 MB free; below 64 MB no task is taken",),
        ),
        (credential("certificate", None), ()),
        (credential("certificate", 31), ()),
        (credential("certificate", 20), ("the certificate expires in 20 days",)),
        (credential("certificate", 1), ("the certificate expires in 24 hours",)),
        (credential("ccache", 0.4), ()),
        (credential("ccache", -1), ("the ccache has expired",)),
        (
            replace(HOST, plugins_failed=(PluginFacts(name="runroot", why="no", methods=("runroot",)),)),
            ("plugin runroot is not loaded: no; refused: runroot",),
        ),
        (replace(HOST, alive=False, plugins_failed=(PluginFacts(name="x", why="no"),)), ()),
    ],
)
def test_warnings(host: HostView, said: tuple[str, ...]) -> None:
    assert host_warnings(host, NOW) == said
