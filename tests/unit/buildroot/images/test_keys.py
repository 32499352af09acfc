"""Buildroot images: their keys and names, and what they say of themselves."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import (
    PACKAGES_LABEL,
    POPULATED,
    RPMDB_LABEL,
    base_key,
    discard,
    find_image,
    image_name,
    mismatch,
    packages_digest,
    requires_key,
    rpmdb_digest,
)
from koji_adjutant.buildroot.install.installer import SCRIPT, TRANSACTION
from koji_adjutant.buildroot.install.solutions import Solution
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ImageInfo
from koji_adjutant.journal.phases import NullJournal
from tests.unit.buildroot.image_bench import (
    BASE,
    BASE_KEY,
    INSTALLED,
    MORE,
    SETTINGS,
    TASK_IMAGE,
    ImageBench,
    solution,
)


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_a_new_repo_with_the_same_packages_has_the_same_key() -> None:
    key = base_key(SETTINGS, TASK_IMAGE, solution(BASE, MORE))
    later = replace(SETTINGS, repo_id=8, event_id=9, tag_name="other", baseurls=("http://h/8",))
    assert base_key(later, TASK_IMAGE, solution(MORE, BASE)) == key


@pytest.mark.parametrize(
    "other",
    [
        {"arch": "i686"},
        {"group": "srpm-build"},
        {"timezone": "../usr/share/zoneinfo/UTC"},
        {"forcearch": "s390x"},
        {"modules": (("enable", "m:1"),)},
    ],
)
def test_what_shapes_a_root_is_in_its_key(other: dict[str, object]) -> None:
    changed = replace(SETTINGS, **other)  # type: ignore[arg-type]
    assert base_key(changed, TASK_IMAGE, solution(BASE)) != base_key(SETTINGS, TASK_IMAGE, solution(BASE))


def test_other_content_is_another_key() -> None:
    package = replace(ImageBench.package(BASE), checksum="1" * 64)
    rebuilt = Solution(install=(package,), remove=frozenset())
    keys = {
        base_key(SETTINGS, TASK_IMAGE, solution(BASE)),
        base_key(SETTINGS, TASK_IMAGE, rebuilt),
        base_key(SETTINGS, TASK_IMAGE, solution(BASE, MORE)),
        base_key(SETTINGS, replace(TASK_IMAGE, id="u" * 64), solution(BASE)),
        requires_key("a", solution(MORE)),
        requires_key("b", solution(MORE)),
        requires_key("a", solution(BASE)),
        requires_key("a", solution(MORE, remove=(BASE,))),
    }
    assert len(keys) == 8


def test_an_image_whose_label_says_another_key_is_none(bench: ImageBench) -> None:
    bench.manager.add_image(image_name(BASE_KEY), {labels.KEY: f"{BASE_KEY[:-1]}x"})
    assert find_image(bench.manager, BASE_KEY) is None


def test_a_root_is_compared_with_what_its_image_says() -> None:
    own = {PACKAGES_LABEL: packages_digest([BASE]), RPMDB_LABEL: rpmdb_digest([INSTALLED])}
    image = ImageInfo(id="i", digest="d", labels=own)
    assert mismatch(image, [INSTALLED]) is None
    assert "other packages" in str(mismatch(image, [INSTALLED, replace(INSTALLED, name="zsh")]))
    assert "other builds" in str(mismatch(image, [replace(INSTALLED, payloadhash="1" * 32)]))


def test_a_discarded_image_is_made_anew_while_a_container_still_uses_it(bench: ImageBench) -> None:
    assert bench.make(bench.base())
    old = find_image(bench.manager, BASE_KEY)
    assert old
    record = bench.config.cache_dir / "images" / f"{BASE_KEY}.json"
    record.parent.mkdir()
    record.touch()
    with bench.manager.created(ContainerSpec(image=old.id, command=("x",), labels={})):
        discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another", NullJournal())
        assert find_image(bench.manager, BASE_KEY) is None
        assert not record.exists()
        assert bench.manager.inspect_image(old.id)
    assert bench.make(bench.base())
    new = find_image(bench.manager, BASE_KEY)
    assert new
    assert new.id != old.id
    assert bench.leftovers() == [old.id]


def test_an_image_that_nobody_uses_goes_when_it_is_discarded(bench: ImageBench) -> None:
    assert bench.make(bench.base())
    old = find_image(bench.manager, BASE_KEY)
    assert old
    discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another", NullJournal())
    discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another", NullJournal())
    assert bench.manager.inspect_image(old.id) is None


PROGRAMS = "27efdd57abd5a2c5d6efe4b5575a1d2b4878942f930d31c28f613de6b5818fbf"


def test_images_outlive_a_change_of_programs_that_changes_no_root() -> None:
    """Who changes a program decides here whether the roots that it makes are others, and POPULATED with them."""
    digest = hashlib.sha256(SCRIPT.read_bytes() + TRANSACTION.read_bytes()).hexdigest()
    assert (digest, POPULATED) == (
        PROGRAMS,
        "91f663790bdd80a5143866dd23ea74f108222dabef5cecffc8b7504c72f767b0",
    )
