"""What is shown of the host, and when."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.directory import make_readable
from koji_adjutant.daemon.public.host_facts import CHANNELS_INTERVAL, HostShow, Moment
from koji_adjutant.daemon.public.slow_looks import SlowFacts
from koji_adjutant.errors import Problem
from koji_adjutant.journal.public import CredentialFacts, DiskFacts, HostFacts, public_directory, read_facts
from koji_adjutant.journal.state import NotReady, Obstacle, this_process
from koji_adjutant.plugins.outages import Methods, Outage, Outages

SPACE = NotReady(obstacle=Obstacle.SPACE, reason="full")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config(
        server="https://user:pa55word@hub.example.com:8443/kojihub",
        topurls=("http://hub/files",),
        state_dir=tmp_path,
        monitoring_enabled=True,
    )
    make_readable(made)
    return made


@pytest.fixture
def moment(tmp_path: Path) -> Moment:
    host = {"name": "builder1", "enabled": True, "arches": "x86_64 i686", "capacity": 8.0}
    return Moment(
        host=host, not_ready=None, task_load=1.5, storage=tmp_path, engine_version="5.4", engine_problem=""
    )


def host_show(config: Config, clock: Clock) -> HostShow:
    outage = Outage(plugin="sign", problem=Problem("no module gpg"), methods=("buildArch",))
    served: Any = {"build": object, "newRepo": object}
    methods = Methods(served=served, outages=Outages(found=(outage,)))
    return HostShow(config, methods, "w0rker", clock=clock, time_of_day=clock)


def shown(config: Config) -> HostFacts:
    found = read_facts(HostFacts, public_directory(config.state_dir) / "host.json")
    assert found is not None
    return found


def test_all_that_is_known(config: Config, moment: Moment) -> None:
    clock = Clock()
    show = host_show(config, clock)
    show.slow = SlowFacts(
        credentials=(CredentialFacts(kind="certificate", expires=5000.0),),
        topdir=DiskFacts(area="topdir", path="/mnt/koji", free_bytes=None),
    )
    show.polled(("default",))
    show.show(moment)
    facts = shown(config)
    assert facts.writer == this_process()
    assert facts.hub == "https://hub.example.com:8443/kojihub"
    assert (facts.name, facts.worker, facts.arches) == ("builder1", "w0rker", ("x86_64", "i686"))
    assert (facts.ready, facts.obstacle, facts.last_poll, facts.hub_lost_since) == (True, "", 1000.0, None)
    assert (facts.channels, facts.methods) == (("default",), ("build", "newRepo"))
    assert [(one.name, one.why, one.methods) for one in facts.plugins_failed] == [
        ("sign", "no module gpg", ("buildArch",))
    ]
    assert [disk.area for disk in facts.disks] == ["storage", "workdir", "cache", "state", "topdir"]
    assert facts.disks[0].limit_bytes == config.minspace << 20
    assert facts.credentials[0].expires == 5000.0
    assert "pa55word" not in (public_directory(config.state_dir) / "host.json").read_text()


def test_at_most_once_a_second(config: Config, moment: Moment) -> None:
    clock = Clock()
    show = host_show(config, clock)
    show.show(moment)
    clock.now += 0.5
    show.show(replace(moment, task_load=3.0))
    assert shown(config).task_load == 1.5
    clock.now += 0.6
    show.show(replace(moment, task_load=3.0))
    assert shown(config).task_load == 3.0


def test_another_obstacle_is_shown_at_once_and_since_when(config: Config, moment: Moment) -> None:
    clock = Clock()
    show = host_show(config, clock)
    show.show(moment)
    clock.now += 0.25
    show.show(replace(moment, not_ready=SPACE))
    assert (shown(config).obstacle, shown(config).reason, shown(config).since) == ("space", "full", 1000.25)
    clock.now += 60
    show.show(replace(moment, not_ready=replace(SPACE, reason="fuller")))
    assert (shown(config).reason, shown(config).since) == ("fuller", 1000.25)


def test_a_hub_that_is_away(config: Config, moment: Moment) -> None:
    clock = Clock()
    show = host_show(config, clock)
    show.polled(None)
    show.show(moment)
    for _ in range(3):
        clock.now += 10
        show.hub_failed(moment)
    assert (shown(config).time, shown(config).hub_lost_since, shown(config).last_poll) == (
        1030.0,
        1010.0,
        1000.0,
    )
    show.polled(None)
    show.show(moment)
    assert shown(config).hub_lost_since is None


def test_channels_are_asked_for_now_and_then(config: Config) -> None:
    clock = Clock()
    show = host_show(config, clock)
    assert show.wants_channels()
    show.polled(None)
    assert show.wants_channels(), "the hub has not said"
    show.polled(("default",))
    assert not show.wants_channels()
    clock.now += CHANNELS_INTERVAL
    assert show.wants_channels()
    assert not host_show(replace(config, monitoring_enabled=False), clock).wants_channels()


def test_a_disk_that_is_full_is_said_now_and_then(
    config: Config, moment: Moment, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    show = host_show(config, clock)
    (public_directory(config.state_dir) / "host.json").mkdir()
    for _ in range(60):
        show.show(moment)
        clock.now += 1.0
    assert 1 < len([one for one in caplog.records if "host.json not written" in one.getMessage()]) < 6
