"""Packages that take all there is: each says that its limit is in force, and ends by itself at twice of it.

All are built at the same time, on one host.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.integration.hostile.attempts import ATTACK, results_in
from tests.integration.hostile.conftest import LIMITS, Hostile, Outcome

pytestmark = [pytest.mark.podman, pytest.mark.limits]

CGROUP = """
limit=$(cat /sys/fs/cgroup/{old} /sys/fs/cgroup/{new} 2>/dev/null || true)
echo "limit in force: $limit"
test "$limit" = {limit} || exit 3
"""
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """What it does, and what its packager is told."""

    script: str
    said: str
    in_force: str
    """In mock_config.log."""


BOMBS = {
    "forks": Bomb(
        script=CGROUP.format(old="pids/pids.max", new="pids.max", limit=300) + f"{ATTACK} forks=600\nexit 1",
        said="the limit pids is 300: raise pids in adjutant.limits of tag dist-md-hostile",
        in_force="limit pids = 300",
    ),
    "memory": Bomb(
        script=CGROUP.format(old="memory/memory.limit_in_bytes", new="memory.max", limit=1200 * MIB)
        + f"{ATTACK} memory={2400 * MIB}\nexit 1",
        said="for want of memory; the limit memory is 1.172 GiB: raise memory in adjutant.limits",
        in_force="limit memory = 1.172 GiB",
    ),
    "disk": Bomb(
        script="for number in $(seq 50); do head -c 20M /dev/zero >>zeros; sleep 0.1; done\nsleep 20\nexit 1",
        said="the limit build_disk is 500 MiB: raise build_disk in adjutant.limits",
        in_force="limit build_disk = 500 MiB",
    ),
    "inodes": Bomb(
        script="mkdir many\ncd many\nseq 40000 | xargs touch\nsleep 20\nexit 1",
        said="the limit build_inodes is 20000: raise build_inodes in adjutant.limits",
        in_force="limit build_inodes = 20000",
    ),
}


@pytest.fixture(scope="module")
def outcomes(hostile: Hostile) -> Mapping[str, Outcome]:
    """All of them at once."""
    assert LIMITS["pids"] == 300
    started = {
        name: hostile.start(f"bomb-{name}", bomb.script, "hostile-tools") for name, bomb in BOMBS.items()
    }
    return {name: hostile.done(number) for name, number in started.items()}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_stopped_and_told_its_limit(outcomes: Mapping[str, Outcome], name: str) -> None:
    made = outcomes[name]
    assert BOMBS[name].in_force in made.log("mock_config.log")
    assert made.said.startswith("error building package (arch noarch)")
    assert BOMBS[name].said in made.said


@pytest.mark.parametrize("name", ["forks", "memory"])
def test_a_bomb_has_begun(outcomes: Mapping[str, Outcome], name: str) -> None:
    log = outcomes[name].log("build.log")
    assert "limit in force: " in log
    (result,) = results_in(log).values()
    assert result.how == "refused"


def test_others_build_on(hostile: Hostile, outcomes: Mapping[str, Outcome]) -> None:
    assert all(made.error for made in outcomes.values())
    hostile.still_builds()
