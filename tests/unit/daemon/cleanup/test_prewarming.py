"""Which repos are prepared for, when, and how often it is tried."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.prewarm import WATCHED, Root
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.daemon.cleanup.prewarming import (
    ASK_INTERVAL,
    RETRY_SECONDS,
    Prewarming,
    RepoRequest,
    is_quiet,
    prepare,
)
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.handlers.base import Services
from koji_adjutant.host.files import DAY
from koji_adjutant.hub.session import login, open_session
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager
from tests.hubs import Hub
from tests.unit.buildroot.uses import root_use

BUILD, SRPM = Root(arch="x86_64", group="build"), Root(arch="x86_64", group="srpm-build")


class Clock:
    def __init__(self) -> None:
        # Records that have changed are looked for by the time of their files.
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(server="http://h", topurls=("http://h",), state_dir=tmp_path)


@pytest.fixture
def watch(config: Config, clock: Clock) -> Prewarming:
    return Prewarming(config, clock)


def built(config: Config, clock: Clock, tag: int, repo: int, root: Root = BUILD) -> None:
    use = root_use(tag_name=f"tag{tag}", tag_id=tag, repo_id=repo, arch=root.arch, group=root.group)
    UsageRecords(config.cache_dir, clock).used(f"key{tag}{root.group.replace('-', '')}", use)


def asked(watch: Prewarming, clock: Clock, *repos: tuple[int, int]) -> tuple[int, ...]:
    clock.now += ASK_INTERVAL
    tags = watch.tags_to_ask()
    watch.take_repos(repos)
    return tags


def test_tags_lately_built_for_are_asked_for_now_and_then(
    watch: Prewarming, config: Config, clock: Clock
) -> None:
    assert watch.tags_to_ask() == ()
    built(config, clock, 1, 10)
    clock.now += ASK_INTERVAL / 2
    built(config, clock, 2, 20)
    assert watch.tags_to_ask() == (), "it was half an interval ago"
    clock.now += ASK_INTERVAL / 2
    assert watch.tags_to_ask() == (2, 1)
    clock.now += DAY
    assert watch.tags_to_ask() == ()


def test_tags_are_bounded(watch: Prewarming, config: Config, clock: Clock) -> None:
    for tag in range(1, WATCHED + 6):
        built(config, clock, tag, 1)
        clock.now += 1
    assert asked(watch, clock) == tuple(range(WATCHED + 5, 5, -1))


def test_records_that_cannot_be_read_keep_nobody_from_polling(
    watch: Prewarming, clock: Clock, mocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mocker.patch.object(UsageRecords, "all", side_effect=OSError("broken disk"))
    assert asked(watch, clock) == ()
    assert "broken disk" in caplog.text


def test_off(config: Config, clock: Clock) -> None:
    watch = Prewarming(replace(config, prewarm=False), clock)
    built(config, clock, 1, 10)
    assert asked(watch, clock) == ()


def test_a_new_repo_is_requested_once(watch: Prewarming, config: Config, clock: Clock) -> None:
    built(config, clock, 1, 10)
    built(config, clock, 1, 9, SRPM)
    at = clock.now
    asked(watch, clock, (1, 11))
    request = watch.next_request()
    assert request == RepoRequest(tag_id=1, repo_id=11, roots=(BUILD, SRPM), last_built=at)
    watch.ended(request, is_done=True)
    asked(watch, clock, (1, 11))
    assert watch.next_request() is None


def test_only_roots_that_are_not_served_are_prepared(watch: Prewarming, config: Config, clock: Clock) -> None:
    built(config, clock, 1, 11)
    built(config, clock, 1, 9, SRPM)
    asked(watch, clock, (1, 11))
    request = watch.next_request()
    assert request is not None
    assert request.roots == (SRPM,)


def test_a_repo_that_a_task_has_used_is_no_work(watch: Prewarming, config: Config, clock: Clock) -> None:
    built(config, clock, 1, 11)
    asked(watch, clock, (1, 11))
    assert watch.next_request() is None


def test_a_newer_repo_takes_the_place_of_an_older_one(
    watch: Prewarming, config: Config, clock: Clock
) -> None:
    built(config, clock, 1, 10)
    asked(watch, clock, (1, 11))
    older = watch.next_request()
    assert older is not None
    asked(watch, clock, (1, 12))
    watch.ended(older, is_done=True)
    newer = watch.next_request()
    assert newer is not None
    assert newer.repo_id == 12


def test_the_tag_built_for_last_comes_first(watch: Prewarming, config: Config, clock: Clock) -> None:
    built(config, clock, 1, 10)
    clock.now += 1
    built(config, clock, 2, 20)
    asked(watch, clock, (1, 11), (2, 21))
    request = watch.next_request()
    assert request is not None
    assert request.tag_id == 2


def test_failures_are_not_repeated_for_ever(watch: Prewarming, config: Config, clock: Clock) -> None:
    built(config, clock, 1, 10)
    asked(watch, clock, (1, 11))
    for seconds in (*RETRY_SECONDS, None):
        request = watch.next_request()
        assert request is not None
        watch.ended(request, is_done=False)
        assert watch.next_request() is None
        clock.now += seconds or DAY / 2
    asked(watch, clock, (1, 11))
    assert watch.next_request() is None
    asked(watch, clock, (1, 12))
    assert watch.next_request() is not None


def test_load(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (8.0, 0.0, 0.0))
    assert is_quiet(replace(config, max_load_per_cpu=4.0))
    assert not is_quiet(replace(config, max_load_per_cpu=3.9))


@pytest.fixture
def repo(hub: Hub) -> Iterator[dict[str, Any]]:
    hub.admin.createTag("dist-build", arches="x86_64")
    session = open_session(hub.config())
    login(session, hub.config())
    host: Any = session.host
    number = host.repoInit("dist-build")[0]
    host.repoDone(number, {})
    yield hub.admin.repoInfo(number)
    session.logout()


def test_what_a_helper_finds_out(
    hub: Hub, repo: dict[str, Any], monkeypatch: pytest.MonkeyPatch, mocker: Any
) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    made = mocker.patch("koji_adjutant.daemon.cleanup.prewarming.Preparation")
    manager = FakeContainerManager()
    image = manager.add_image("tools:1")
    config = replace(hub.config(), task_image_default="tools:1")
    services = Services(config=config, manager=manager, journal=NullJournal(), worker="w")
    prepare(
        RepoRequest(tag_id=repo["tag_id"], repo_id=repo["id"], roots=(BUILD, SRPM), last_built=5.0), services
    )
    asked_for = [call.kwargs for call in made.call_args_list]
    assert [(one["settings"].group, one["settings"].repo_id) for one in asked_for] == [
        ("build", repo["id"]),
        ("srpm-build", repo["id"]),
    ]
    first = asked_for[0]
    assert (first["task_image"], first["worker"], first["last_built"]) == (image, "w", 5.0)
    assert first["settings"].event_id == repo["create_event"]


def test_a_repo_that_is_gone_is_one_error(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda _: 0)
    services = Services(
        config=hub.config(), manager=FakeContainerManager(), journal=NullJournal(), worker="w"
    )
    with pytest.raises(BuildrootFailed, match="repo 99 of tag 1: the hub does not tell"):
        prepare(RepoRequest(tag_id=1, repo_id=99, roots=(BUILD,), last_built=5.0), services)
