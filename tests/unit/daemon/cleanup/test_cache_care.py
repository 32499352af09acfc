"""When the cache is cared for."""

import os
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.prewarm import Root
from koji_adjutant.config import Config
from koji_adjutant.daemon.cleanup import cache_care
from koji_adjutant.daemon.cleanup.cache_care import (
    FIRST_PRUNE,
    MIRRORS,
    MIRRORS_PAUSE,
    PREWARM,
    PRUNE,
    PRUNE_INTERVAL,
    PRUNE_PATIENCE,
    PRUNE_PAUSE,
    CacheCare,
    missing_space,
)
from koji_adjutant.daemon.cleanup.prewarming import RepoRequest
from koji_adjutant.handlers.base import Services
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager

REQUEST = RepoRequest(tag_id=1, repo_id=2, roots=(Root(arch="x86_64", group="build"),), last_built=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def care(tmp_path: Path, clock: Clock, mocker: Any) -> CacheCare:
    config = Config(server="http://h", topurls=("http://h",), state_dir=tmp_path, minspace=0)
    services = Services(config=config, manager=FakeContainerManager(), journal=NullJournal(), worker="w")
    mocker.patch("koji_adjutant.daemon.cleanup.cache_care.is_quiet", return_value=True)
    made = CacheCare(services, clock)
    assert due(made, tmp_path) == [], "a daemon that has just started has better things to do"
    clock.now += FIRST_PRUNE
    return made


def due(care: CacheCare, tmp_path: Path, *helpers: str, is_idle: bool = True) -> list[str]:
    return [name for name, _ in care.due(is_idle=is_idle, helpers=helpers, storage=tmp_path)]


def test_removal_comes_at_intervals_and_after_images(care: CacheCare, clock: Clock, tmp_path: Path) -> None:
    assert due(care, tmp_path) == [PRUNE]
    care.ended(PRUNE, is_done=True)
    assert due(care, tmp_path) == []
    care.images_made()
    assert due(care, tmp_path) == []
    clock.now += PRUNE_PAUSE
    assert due(care, tmp_path) == [PRUNE]
    care.ended(PRUNE, is_done=False)
    clock.now += PRUNE_INTERVAL
    assert due(care, tmp_path) == [PRUNE]


def test_removal_waits_for_an_idle_hour_but_not_for_ever(
    care: CacheCare, clock: Clock, tmp_path: Path
) -> None:
    assert due(care, tmp_path, is_idle=False) == []
    clock.now += PRUNE_PATIENCE
    assert due(care, tmp_path, is_idle=False) == [PRUNE]


def test_one_at_a_time(care: CacheCare, tmp_path: Path) -> None:
    assert due(care, tmp_path, PREWARM) == []
    assert due(care, tmp_path, PRUNE) == []
    assert due(care, tmp_path, "sweep") == [PRUNE]


def test_what_checkouts_have_left_is_taken_over(care: CacheCare, clock: Clock, tmp_path: Path) -> None:
    care.ended(PRUNE, is_done=True)
    incoming = tmp_path / "cache" / "scm" / "hello.incoming"
    incoming.mkdir(parents=True)
    assert due(care, tmp_path, is_idle=False) == [MIRRORS]
    assert due(care, tmp_path, MIRRORS) == []
    care.ended(MIRRORS, is_done=True)
    assert due(care, tmp_path, is_idle=False) == []
    clock.now += MIRRORS_PAUSE
    ((name, work),) = care.due(is_idle=False, helpers=(), storage=tmp_path)
    assert name == MIRRORS
    work()
    assert not incoming.exists()
    assert due(care, tmp_path, is_idle=False) == []


def test_mirrors_are_removed_with_the_rest(care: CacheCare, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "scm" / "hello.git"
    left.mkdir(parents=True)
    ((name, work),) = care.due(is_idle=True, helpers=(), storage=tmp_path)
    assert name == PRUNE
    work()
    assert not left.exists()


def test_a_host_without_space_does_not_wait(
    care: CacheCare, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_care, "missing_space", lambda *_: 1 << 30)
    assert due(care, tmp_path, is_idle=False) == [PRUNE]
    care.ended(PRUNE, is_done=True)
    clock.now += PRUNE_PAUSE / 2
    assert due(care, tmp_path, is_idle=False) == []
    clock.now += PRUNE_PAUSE / 2
    assert due(care, tmp_path, is_idle=False) == [PRUNE]


def test_preparing_waits_for_quiet(care: CacheCare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert due(care, tmp_path) == [PRUNE]
    care.ended(PRUNE, is_done=True)
    told: list[tuple[RepoRequest, bool]] = []
    monkeypatch.setattr(care.prewarming, "next_request", lambda: REQUEST)
    monkeypatch.setattr(care.prewarming, "ended", lambda request, *, is_done: told.append((request, is_done)))
    assert due(care, tmp_path, is_idle=False) == []
    monkeypatch.setattr(cache_care, "is_quiet", lambda _: False)
    assert due(care, tmp_path) == []
    monkeypatch.setattr(cache_care, "is_quiet", lambda _: True)
    assert due(care, tmp_path) == [PREWARM]
    care.ended(PREWARM, is_done=False)
    assert told == [(REQUEST, False)]


def test_missing_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.statvfs(tmp_path)
    free = status.f_bavail * status.f_frsize

    class Known:
        f_bavail, f_frsize = status.f_bavail, status.f_frsize

    monkeypatch.setattr(os, "statvfs", lambda _: Known)
    assert missing_space(tmp_path, 0) == 0
    assert missing_space(tmp_path, free >> 20) == 0
    wanted = (free >> 20) + 100
    assert missing_space(tmp_path, wanted) > 100 << 20


def test_space_that_nobody_knows_is_not_missing() -> None:
    assert missing_space(Path("/nonexistent"), 1 << 40) == 0
