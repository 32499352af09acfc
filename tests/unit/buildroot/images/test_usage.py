"""Usage records: counted once however many count, and worth nothing to rely on."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.usage import (
    KEEP_SECONDS,
    REPOS,
    KeptImage,
    UsageRecord,
    UsageRecords,
)
from koji_adjutant.host.files import DAY
from tests.unit.buildroot.uses import root_use

KEY = "0a1b" * 16


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> UsageRecords:
    return UsageRecords(tmp_path, clock)


def found(records: UsageRecords, key: str = KEY) -> UsageRecord:
    record = records.find(key)
    assert record is not None
    return record


def test_first_and_later_uses(records: UsageRecords, clock: Clock) -> None:
    records.used(KEY, root_use(), hit=False)
    clock.now += 5
    records.used(KEY, root_use(repo_id=2))
    record = found(records)
    assert (record.hits, record.created, record.last_used) == (1, clock.now - 5, clock.now)
    assert [(tag.tag_name, tag.tag_id, tag.repo_ids) for tag in record.tags] == [("dist-build", 7, (2, 1))]
    assert (record.kind, record.arch, record.group, record.packages) == ("base", "x86_64", "build", 149)


def test_several_tags_share_an_image(records: UsageRecords, clock: Clock) -> None:
    records.used(KEY, root_use())
    clock.now += 1
    records.used(KEY, root_use(tag_name="other", tag_id=8, repo_id=9))
    tags = found(records).tags
    assert [(tag.tag_name, tag.last_used) for tag in tags] == [
        ("other", clock.now),
        ("dist-build", clock.now - 1),
    ]


def test_few_repos_are_remembered(records: UsageRecords) -> None:
    for repo in range(20):
        records.used(KEY, root_use(repo_id=repo))
    assert found(records).tags[0].repo_ids == tuple(range(19, 19 - REPOS, -1))


def test_a_dependency_set_is_counted_for_a_day(records: UsageRecords, clock: Clock) -> None:
    assert records.requires_built(KEY, root_use(kind="requires")) == 1
    clock.now += DAY / 2
    assert records.requires_built(KEY, root_use(kind="requires")) == 2
    clock.now += DAY / 2 + 1
    assert records.requires_built(KEY, root_use(kind="requires")) == 2
    assert found(records).kind == "requires"


def _use_often(directory: Path) -> None:
    for _ in range(50):
        UsageRecords(directory).used(KEY, root_use())


def test_no_use_is_lost_between_processes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_use_often, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert found(UsageRecords(tmp_path)).hits == 200


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"version": 99}', '{"version": 1, "key": "x"}', "\udcff"]
)
def test_a_damaged_record_begins_anew(records: UsageRecords, tmp_path: Path, content: str) -> None:
    records.used(KEY, root_use())
    (tmp_path / "images" / f"{KEY}.json").write_bytes(content.encode(errors="surrogateescape"))
    assert records.find(KEY) is None
    assert list(records.all()) == []
    records.used(KEY, root_use())
    assert found(records).hits == 1


def test_a_record_under_another_name_is_none(records: UsageRecords, tmp_path: Path) -> None:
    records.used(KEY, root_use())
    (tmp_path / "images" / f"{KEY}.json").rename(tmp_path / "images" / "abcd.json")
    assert list(records.all()) == []


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".."])
def test_a_key_is_no_path(records: UsageRecords, key: str) -> None:
    with pytest.raises(ValueError, match="no image key"):
        records.used(key, root_use())


def test_a_full_disk_fails_no_task(
    records: UsageRecords, mocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mocker.patch("koji_adjutant.buildroot.images.usage.json.dump", side_effect=OSError("no space left"))
    records.used(KEY, root_use())
    assert records.requires_built(KEY, root_use(kind="requires")) == 1
    assert "no space left" in caplog.text


def test_a_write_that_fails_leaves_the_record_before(
    records: UsageRecords, tmp_path: Path, mocker: Any
) -> None:
    records.used(KEY, root_use())
    mocker.patch("koji_adjutant.buildroot.images.usage.json.dump", side_effect=OSError("no space left"))
    records.used(KEY, root_use())
    assert found(records).hits == 1
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [f"{KEY}.json", "lock"]


def test_an_image_does_not_overwrite_what_is_known(records: UsageRecords) -> None:
    image = KeptImage(id="i", size=5, created=1.0, worker="w")
    lost = UsageRecord(key=KEY, kind="base", arch="x86_64", group="build", last_used=5.0, image=image)
    assert records.has_image(lost) == lost
    assert found(records) == lost
    records.used(KEY, root_use())
    assert records.has_image(lost).hits == 1
    assert found(records).image == image
    records.has_no_image(found(records))
    assert (found(records).image, found(records).hits) == (None, 1)


def test_preparing_is_no_use(records: UsageRecords, clock: Clock) -> None:
    records.used(KEY, root_use())
    clock.now += 60
    records.prepared(KEY, root_use(repo_id=2), last_built=clock.now - 60)
    record = found(records)
    assert (record.hits, record.last_used) == (1, clock.now - 60)
    assert [(tag.repo_ids, tag.last_used) for tag in record.tags] == [((2, 1), clock.now - 60)]
    records.prepared("abc", root_use(repo_id=3), last_built=clock.now - 60)
    fresh = found(records, "abc")
    assert (fresh.last_used, fresh.created, fresh.tags[0].last_used) == (0.0, clock.now, clock.now - 60)


def test_old_records_go_with_their_images(records: UsageRecords, clock: Clock) -> None:
    for key in ("aa", "bb", "cc"):
        records.used(key, root_use())
    clock.now += KEEP_SECONDS + 1
    records.used("cc", root_use())
    records.drop_old(present=frozenset({"aa"}))
    assert {record.key for record in records.all()} == {"aa", "cc"}


def test_only_what_changed_is_read(records: UsageRecords, tmp_path: Path) -> None:
    records.used("aa", root_use())
    records.used("bb", root_use())
    changed = (tmp_path / "images" / "bb.json").stat().st_mtime
    assert {record.key for record in records.all(since=changed)} >= {"bb"}
    assert list(records.all(since=changed + 1)) == []


def test_a_record_is_json(records: UsageRecords, tmp_path: Path) -> None:
    records.used(KEY, root_use())
    assert json.loads((tmp_path / "images" / f"{KEY}.json").read_text())["packages"] == 149
