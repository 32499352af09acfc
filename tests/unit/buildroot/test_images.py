"""Buildroot images: their keys and names, what they say of themselves, and requests for them."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images import (
    PACKAGES_LABEL,
    REFUSED_SECONDS,
    RPMDB_LABEL,
    ImageRequest,
    base_key,
    discard,
    find_image,
    image_name,
    mismatch,
    packages_digest,
    pending_requests,
    refuse,
    requests_directory,
    requires_key,
    rpmdb_digest,
)
from koji_adjutant.buildroot.package_store import Solution
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, ImageInfo
from tests.unit.buildroot.image_bench import BASE, BASE_KEY, MORE, ImageBench

SETTINGS = BuildrootSettings(
    tag_id=1,
    tag_name="dist-build",
    repo_id=7,
    event_id=2,
    arch="x86_64",
    target_arch="x86_64",
    group="build",
    baseurls=("http://h/7",),
    macros={},
    environment={},
)
TASK_IMAGE = ImageInfo(id="t" * 64, digest="sha256:1")
INSTALLED = InstalledPackage(
    name="bash",
    version="5",
    release="1",
    epoch=None,
    arch="x86_64",
    size=1,
    buildtime=2,
    payloadhash="0" * 32,
)


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def solution(*nevras: str, remove: tuple[str, ...] = ()) -> Solution:
    return Solution(install=tuple(map(ImageBench.package, nevras)), remove=frozenset(remove))


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
    assert mismatch(image, [INSTALLED]) == ""
    assert "other packages" in mismatch(image, [INSTALLED, replace(INSTALLED, name="zsh")])
    assert "other builds" in mismatch(image, [replace(INSTALLED, payloadhash="1" * 32)])


def test_a_discarded_image_is_made_anew_while_a_container_still_uses_it(bench: ImageBench) -> None:
    assert bench.make(bench.base())
    old = find_image(bench.manager, BASE_KEY)
    assert old
    record = bench.config.cache_dir / "images" / f"{BASE_KEY}.json"
    record.parent.mkdir()
    record.touch()
    with bench.manager.created(ContainerSpec(image=old.id, command=("x",), labels={})):
        discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another")
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
    discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another")
    discard(bench.manager, bench.config, BASE_KEY, "its rpmdb is another")
    assert bench.manager.inspect_image(old.id) is None


def test_requests_are_saved_whole_and_oldest_first(bench: ImageBench) -> None:
    first, second = bench.ask(bench.base()), bench.ask(bench.more())
    os.utime(second, (1.0, 1.0))
    assert list(pending_requests(bench.config)) == [second, first]
    assert [ImageRequest.load(path) for path in (first, second)] == [bench.base(), bench.more()]


def test_requests_say_what_a_task_had(bench: ImageBench) -> None:
    base = ImageRequest.of_base("k", replace(SETTINGS, forcearch="s390x"), TASK_IMAGE, solution(BASE))
    assert (base.contents, base.forced) == (packages_digest([BASE]), True)
    more = base.with_requires("m", solution(MORE, remove=("x",)), [INSTALLED])
    assert (more.kind, more.key, more.base_key, more.removed) == ("requires", "m", "k", frozenset({"x"}))
    assert more.packages == (bench.package(MORE),)


def test_what_is_no_request_is_thrown_away(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    path.write_text('{"key": "of another version"}')
    assert bench.maker().make(path)
    assert not path.exists()
    assert bench.maker().make(path)


def test_what_the_engine_refused_is_asked_for_again_sooner(bench: ImageBench) -> None:
    refuse(bench.config, BASE_KEY, "busy", 600)
    (marker,) = requests_directory(bench.config).glob("*.refused")
    assert not bench.ask(bench.base()).exists()
    old = marker.stat().st_mtime - 601
    os.utime(marker, (old, old))
    assert bench.ask(bench.base()).exists()


def test_what_was_refused_is_not_asked_for_again_for_a_day(bench: ImageBench) -> None:
    refuse(bench.config, BASE_KEY, "it has a socket")
    assert not bench.ask(bench.base()).exists()
    (marker,) = requests_directory(bench.config).glob("*.refused")
    assert marker.read_text() == "it has a socket\n"
    old = time.time() - REFUSED_SECONDS - 1
    os.utime(marker, (old, old))
    assert bench.ask(bench.base()).exists()
    assert not marker.exists()
