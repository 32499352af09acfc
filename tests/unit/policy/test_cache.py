"""The file in which task processes share what they have read of tags."""

import json
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.host.files import since_boot
from koji_adjutant.policy.cache import NAME, TagPolicyCache, policy_extra

POLICY = {"adjutant_image_policy": {"version": "1.0", "rules": []}}


def cache(
    directory: Path, *, hub: str = "http://hub", ttl: float = 300, clock: Callable[[], float] = since_boot
) -> TagPolicyCache:
    return TagPolicyCache(directory, hub=hub, ttl=ttl, clock=clock)


def test_what_one_process_kept_another_finds(tmp_path: Path) -> None:
    cache(tmp_path / "new").keep(2, 70, {**POLICY, "mock.bootstrap_image": "x", "rpm.macro.a": "b"})
    assert cache(tmp_path / "new").find(2, 70) == POLICY
    assert [path.name for path in (tmp_path / "new").iterdir() if path.suffix == ".json"] == [NAME]


def test_a_tag_without_policy_is_known_too(tmp_path: Path) -> None:
    cache(tmp_path).keep(2, 70, {})
    assert cache(tmp_path).find(2, 70) == {}
    assert cache(tmp_path).find(3, 70) is None


def test_an_answer_serves_later_events_and_no_earlier_one(tmp_path: Path) -> None:
    cache(tmp_path).keep(2, 70, POLICY)
    assert cache(tmp_path).find(2, 71) == POLICY
    assert cache(tmp_path).find(2, 69) is None


def test_another_hub_has_other_tags(tmp_path: Path) -> None:
    cache(tmp_path).keep(2, 70, POLICY)
    assert cache(tmp_path, hub="http://other").find(2, 70) is None


def test_an_answer_grows_old_and_goes(tmp_path: Path) -> None:
    now = [1000.0]
    tags = cache(tmp_path, clock=lambda: now[0])
    tags.keep(2, 70, POLICY)
    now[0] = 1299.0
    assert tags.find(2, 70) == POLICY
    now[0] = 1300.0
    assert tags.find(2, 70) is None
    tags.keep(3, 70, {})
    assert json.loads((tmp_path / NAME).read_text())["tags"].keys() == {"3"}


@pytest.mark.parametrize("jump", [-8000.0, -100.0, 100.0, 8000.0])
def test_the_time_of_day_changes_nothing(tmp_path: Path, mocker: MockerFixture, jump: float) -> None:
    now = [1000.0]
    tags = cache(tmp_path, clock=lambda: now[0])
    tags.keep(2, 70, POLICY)
    mocker.patch("time.time", return_value=time.time() + jump)
    assert tags.find(2, 70) == POLICY
    now[0] = 1301.0
    assert tags.find(2, 70) is None


def test_an_answer_of_another_boot_is_none(tmp_path: Path, mocker: MockerFixture) -> None:
    cache(tmp_path).keep(2, 70, POLICY)
    mocker.patch("koji_adjutant.host.files.boot_id", return_value="another")
    assert cache(tmp_path).find(2, 70) is None


def test_without_a_time_to_live_nothing_is_kept(tmp_path: Path) -> None:
    cache(tmp_path, ttl=0).keep(2, 70, POLICY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2, "hub": "http://hub", "tags": {"2": {"event": 1, "read": 9e99, "extra": {}}}}',
        '{"version": 1, "hub": "http://hub", "tags": []}',
        '{"version": 1, "hub": "http://hub", "tags": {"2": null}}',
        '{"version": 1, "hub": "http://hub", "tags": {"2": {"event": "x", "read": NOW, "extra": {}}}}',
        '{"version": 1, "hub": "http://hub", "tags": {"2": {"event": 1, "read": NOW, "extra": 5}}}',
        "\x00\xff",
    ],
)
def test_a_spoilt_file_is_no_answer_and_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content.replace("NOW", str(time.time())), encoding="latin-1")
    assert cache(tmp_path).find(2, 70) is None
    cache(tmp_path).keep(2, 70, POLICY)
    assert cache(tmp_path).find(2, 70) == POLICY


def test_a_directory_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache(tmp_path / "file").keep(2, 70, POLICY)
    assert cache(tmp_path / "file").find(2, 70) is None


def keep_some(directory: str, first: int) -> None:
    for tag in range(first, first + 20):
        cache(Path(directory)).keep(tag, 1, POLICY)


def test_processes_do_not_lose_what_others_keep(tmp_path: Path) -> None:
    context: Any = multiprocessing.get_context("fork")
    workers = [context.Process(target=keep_some, args=(str(tmp_path), first)) for first in (0, 100, 200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    known = json.loads((tmp_path / NAME).read_text())["tags"]
    assert len(known) == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tag-policies.json", "tag-policies.lock"]


def test_what_policy_reads_where_there_is_no_buildroot() -> None:
    limits = {"adjutant.limits": {"memory": "1G"}}
    assert policy_extra({**POLICY, **limits, "mock.bootstrap_image": "x"}) == {**POLICY, **limits}
