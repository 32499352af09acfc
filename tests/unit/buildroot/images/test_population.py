"""The root that an image is made of is populated: whose fault it is when that fails, and how soon it is tried again."""

import time
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images import population
from koji_adjutant.buildroot.images.keys import find_image
from koji_adjutant.buildroot.images.maker import ENGINE_SECONDS
from koji_adjutant.buildroot.images.requests import REFUSED_SECONDS, requests_directory
from tests.unit.buildroot.image_bench import BASE, BASE_KEY, ImageBench


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_packages_that_are_gone_are_not_held_against_it(bench: ImageBench) -> None:
    (bench.config.cache_dir / bench.package(BASE).file).unlink()
    assert bench.make(bench.base())
    assert find_image(bench.manager, BASE_KEY) is None
    assert bench.refusals() == []
    assert bench.leftovers() == []


def test_a_scriptlet_that_says_that_the_disk_is_full_is_not_believed(
    bench: ImageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "free_bytes", lambda _path: bench.config.minspace << 20)
    bench.manager.install, bench.manager.says = lambda *_: 1, b"No space left on device\n"
    assert bench.make(bench.base())
    (marker,) = requests_directory(bench.config).glob("*.refused")
    assert time.time() - marker.stat().st_mtime < ENGINE_SECONDS


@pytest.mark.parametrize(
    ("status", "said"), [(149, b"installing x needs 5MB more space on the / filesystem\n"), (137, b"")]
)
def test_an_installation_that_the_host_has_ended_is_soon_tried_again(
    bench: ImageBench, status: int, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(population, "free_bytes", lambda _path: 5 << 20)
    bench.manager.install, bench.manager.says = lambda *_: status, said
    assert bench.make(bench.base())
    (marker,) = requests_directory(bench.config).glob("*.refused")
    before = time.time() - marker.stat().st_mtime
    assert REFUSED_SECONDS - ENGINE_SECONDS - 60 < before < REFUSED_SECONDS
    assert bench.leftovers() == []
