"""Which buildroot images go, in which order, and what stays."""

import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.cached import cached_images, is_scan_due
from koji_adjutant.buildroot.images.keys import BASE_LABEL, KIND_LABEL, image_name, unverified_name
from koji_adjutant.buildroot.images.removal import Limits, prune, to_remove
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ImageInfo
from koji_adjutant.errors import EngineError, EngineUnavailable
from koji_adjutant.host.files import DAY
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import NullJournal
from koji_adjutant.journal.reader import read_journal
from tests.fakes.containers import FakeContainerManager
from tests.unit.buildroot.uses import root_use

MINE, OTHER = "w1", "w2"
NOW = 100 * DAY
ROOMY = Limits(size=1 << 40, age=14 * DAY)


class Store(FakeContainerManager):
    """A store whose images a test writes down."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[ImageInfo] = []
        self.used: set[str] = set()
        self.inspected = 0

    def add(
        self,
        key: str,
        size: int,
        created: float,
        *,
        base: str = "",
        worker: str = MINE,
        name: str | None = None,
    ) -> ImageInfo:
        found = {
            labels.ROLE: labels.Role.IMAGE.value,
            labels.WORKER: worker,
            labels.KEY: key,
            labels.TAG: "dist-build",
            labels.REPO: "7",
            labels.ARCH: "x86_64",
            labels.GROUP: "build",
            KIND_LABEL: "requires" if base else "base",
            BASE_LABEL: base,
        }
        names = (image_name(key),) if name is None else (name,) if name else ()
        image = ImageInfo(
            id=f"id-{key}-{len(self.kept)}",
            digest="",
            names=names,
            labels=found,
            created=created,
            size=size,
        )
        self.kept.append(image)
        return image

    def find_images(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        self._call("find_images")
        return tuple(image for image in self.kept if labels.items() <= image.labels.items())

    def inspect_image(self, reference: str) -> ImageInfo | None:
        self.inspected += 1
        return next((image for image in self.kept if reference in image.names), None)

    def has_image(self, reference: str) -> bool:
        return any(reference in image.names for image in self.kept)

    def remove_image(self, reference: str) -> bool:
        self._call("remove_image")
        if reference in self.used:
            raise EngineError("in use", status=HTTPStatus.CONFLICT)
        before = len(self.kept)
        self.kept = [image for image in self.kept if reference not in (image.id, *image.names)]
        return len(self.kept) < before

    @property
    def keys(self) -> set[str]:
        return {image.labels[labels.KEY] for image in self.kept}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def records(tmp_path: Path, clock: Clock) -> UsageRecords:
    return UsageRecords(tmp_path, clock)


def use(records: UsageRecords, clock: Clock, key: str, ago: float) -> None:
    clock.now = NOW - ago
    records.used(key, root_use())
    clock.now = NOW


def gone(store: Store, records: UsageRecords, clock: Clock, limits: Limits) -> list[str]:
    images = cached_images(store, records, scan=True)
    removed, _ = prune(images, store, records, limits, worker=MINE, journal=NullJournal(), clock=clock)
    return [removal.cached.record.key for removal in removed]


def test_nothing_goes_within_the_limits(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 100, NOW - DAY)
    assert gone(store, records, clock, Limits(size=100, age=2 * DAY)) == []
    assert store.keys == {"aa"}


def test_least_recently_used_goes_until_the_rest_fits(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    for key in ("aa", "bb", "cc", "dd"):
        store.add(key, 100, NOW - 10 * DAY)
    for ago, key in enumerate(("bb", "dd", "aa", "cc")):
        use(records, clock, key, float(ago))
    assert gone(store, records, clock, Limits(size=250, age=14 * DAY)) == ["cc", "aa"]
    assert store.keys == {"bb", "dd"}
    assert {record.key for record in records.all()} == {"bb", "dd"}


def test_a_host_without_space_frees_what_is_missing(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    for number, key in enumerate(("aa", "bb", "cc", "dd")):
        store.add(key, 100, NOW - 9 * DAY + number)
    store.used.add(image_name("aa"))
    assert gone(store, records, clock, Limits(size=1000, age=14 * DAY, missing=150)) == ["bb", "cc"]


def test_what_nobody_uses_goes_with_age(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 1, NOW - 30 * DAY)
    store.add("bb", 1, NOW - 30 * DAY)
    store.add("cc", 1, NOW - DAY)
    use(records, clock, "bb", 3 * DAY)
    assert gone(store, records, clock, ROOMY) == ["aa"]


def test_a_dependency_image_counts_its_own_part(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 500, NOW - DAY)
    store.add("bb", 600, NOW - DAY, base="aa")
    sizes = {cached.record.key: cached.own_size for cached in cached_images(store, records, scan=True)}
    assert sizes == {"aa": 500, "bb": 100}
    assert gone(store, records, clock, Limits(size=600, age=14 * DAY)) == []


def test_a_base_goes_after_what_was_made_from_it(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 500, NOW - 3 * DAY)
    store.add("bb", 600, NOW - 2 * DAY, base="aa")
    store.add("cc", 500, NOW - DAY)
    assert gone(store, records, clock, Limits(size=1000, age=14 * DAY)) == ["bb"]
    assert gone(store, records, clock, Limits(size=1, age=14 * DAY)) == ["aa", "cc"]


def test_a_base_is_as_young_as_what_was_made_from_it(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    store.add("aa", 500, NOW - 30 * DAY)
    store.add("bb", 600, NOW - DAY, base="aa")
    store.add("cc", 500, NOW - 2 * DAY)
    assert gone(store, records, clock, Limits(size=600, age=40 * DAY)) == ["cc"]


def test_what_is_in_use_stays_with_its_base_and_another_goes(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    store.add("aa", 500, NOW - 9 * DAY)
    store.add("bb", 600, NOW - 9 * DAY, base="aa")
    store.add("cc", 300, NOW - DAY)
    store.add("dd", 300, NOW)
    store.used.add(image_name("bb"))
    assert gone(store, records, clock, Limits(size=900, age=14 * DAY)) == ["cc"]
    assert store.keys == {"aa", "bb", "dd"}


def test_what_is_to_be_kept_stays_with_its_base(
    store: Store, records: UsageRecords, clock: Clock, tmp_path: Path
) -> None:
    store.add("aa", 500, NOW)
    store.add("bb", 600, NOW, base="aa")
    store.add("cc", 300, NOW)
    store.add("dd", 300, NOW)
    store.used.add(image_name("dd"))
    images = cached_images(store, records, scan=True)
    removed, used = prune(
        images,
        store,
        records,
        Limits(size=0, age=float("-inf")),
        worker="",
        journal=FileJournal(tmp_path / "journal"),
        kept={"bb"},
        clock=clock,
    )
    assert [removal.cached.record.key for removal in removed] == ["cc"]
    assert [removal.cached.record.key for removal in used] == ["dd"]
    assert store.keys == {"aa", "bb", "dd"}
    (event,) = read_journal(tmp_path / "journal")
    assert (event.name, event.details["key"], event.details["bytes"]) == ("image-removed", "cc", 300)


def test_everything_in_use_is_no_endless_task(store: Store, records: UsageRecords, clock: Clock) -> None:
    for key in ("aa", "bb"):
        store.add(key, 500, NOW - 30 * DAY)
        store.used.add(image_name(key))
    assert gone(store, records, clock, Limits(size=1, age=DAY)) == []


def test_another_workers_image_only_goes_with_age(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 10_000, NOW - 13 * DAY, worker=OTHER)
    store.add("bb", 10, NOW - 15 * DAY, worker=OTHER)
    store.add("cc", 100, NOW)
    assert gone(store, records, clock, Limits(size=100, age=14 * DAY)) == ["bb"]


def test_an_image_without_a_name_goes_once_it_is_settled(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    store.add("aa", 10, NOW - DAY / 2)
    store.add("aa", 10, NOW - DAY, name="")
    store.add("bb", 10, NOW, name="")
    assert gone(store, records, clock, ROOMY) == ["aa"]
    assert [image.names for image in store.kept] == [(image_name("aa"),), ()]
    assert records.find("aa") is not None, "the record is that of the image with the name"


def test_an_image_that_was_never_finished_goes_once_it_is_settled(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    store.add("aa", 10, NOW - DAY, name=unverified_name("aa"))
    store.add("bb", 10, NOW, name=unverified_name("bb"))
    assert gone(store, records, clock, ROOMY) == ["aa"]
    assert store.keys == {"bb"}


@pytest.mark.parametrize("name", ["localhost/mine:1", image_name("aa") + "-mine"])
def test_what_has_another_name_is_not_ours(
    store: Store, records: UsageRecords, clock: Clock, name: str
) -> None:
    store.add("aa", 10, NOW - 90 * DAY, name=name)
    assert gone(store, records, clock, Limits(size=1, age=1)) == []
    assert cached_images(store, records, scan=True) == ()


def test_lost_records_are_made_anew(store: Store, records: UsageRecords) -> None:
    store.add("aa", 10, NOW - DAY)
    store.add("bb", 20, NOW, base="aa")
    cached_images(store, records, scan=True)
    base, more = records.find("aa"), records.find("bb")
    assert base is not None
    assert more is not None
    assert (base.kind, base.arch, base.group, base.created, base.last_used) == (
        "base",
        "x86_64",
        "build",
        NOW - DAY,
        NOW - DAY,
    )
    assert [(tag.tag_name, tag.repo_ids) for tag in base.tags] == [("dist-build", (7,))]
    assert more.kind == "requires"


def test_the_engine_is_not_asked_for_all_images_again(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    store.add("aa", 500, NOW - DAY)
    store.add("bb", 600, NOW - DAY, base="aa")
    first = cached_images(store, records)
    use(records, clock, "cc", 0.0)
    store.add("cc", 300, NOW)
    store.fail_next("find_images", EngineUnavailable("a scan"))
    second = cached_images(store, records)
    assert {cached.record.key: cached.own_size for cached in second} == {"cc": 300, "aa": 500, "bb": 100}
    assert store.inspected == 1, "of the one that was made since"
    assert {cached.image for cached in second} >= {cached.image for cached in first}
    store.remove_image(image_name("bb"))
    assert [cached.record.key for cached in cached_images(store, records)] == ["cc", "aa"]
    gone = records.find("bb")
    assert gone is not None
    assert gone.image is None
    assert store.inspected == 1


def test_a_scan_is_due_once_a_day(store: Store, records: UsageRecords) -> None:
    now = time.time()
    assert is_scan_due(records, now)
    store.add("aa", 500, now)
    cached_images(store, records)
    assert not is_scan_due(records, now + DAY / 2)
    assert is_scan_due(records, now + DAY + 60)


def test_an_image_of_another_key_is_not_that_of_the_record(
    store: Store, records: UsageRecords, clock: Clock
) -> None:
    use(records, clock, "aa", 0.0)
    store.add("bb", 500, NOW, name=image_name("aa"))
    assert cached_images(store, records) == ()


def test_a_plan_removes_nothing(store: Store, records: UsageRecords) -> None:
    store.add("aa", 10, NOW - 90 * DAY)
    images = cached_images(store, records, scan=True)
    (planned,) = to_remove(images, ROOMY, worker=MINE, now=NOW)
    assert planned.reason == "not used for 90.0 days"
    assert store.keys == {"aa"}
    assert (
        list(to_remove([replace(images[0], own_size=1)], Limits(size=5, age=1e12), worker=MINE, now=NOW))
        == []
    )


def test_an_engine_that_is_away_is_said(store: Store, records: UsageRecords, clock: Clock) -> None:
    store.add("aa", 10, NOW - 90 * DAY)
    store.fail_next("remove_image", EngineUnavailable("away"))
    with pytest.raises(EngineUnavailable):
        gone(store, records, clock, ROOMY)
    assert records.find("aa") is not None
