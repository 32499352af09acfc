"""Of several workers one makes an image: it is left to it, and taken over only when it has been seen for long."""

from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import find_image, lock_name, unverified_name
from koji_adjutant.buildroot.images.requests import requests_directory
from koji_adjutant.buildroot.images.reservation import TAKE_OVER_SECONDS
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import EngineError
from koji_adjutant.host import files
from tests.unit.buildroot.image_bench import BASE_KEY, ImageBench


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_another_worker_that_makes_it_is_left_to_it(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    theirs = ContainerSpec(
        image="localhost/task", command=("x",), labels={labels.WORKER: "other"}, name=lock_name(BASE_KEY)
    )
    with bench.manager.created(theirs) as container:
        bench.manager.container(container).created = 10e9
        assert not bench.maker().make(path)
        assert path.exists()
        assert bench.manager.named(lock_name(BASE_KEY))
    assert bench.maker().make(path)
    assert find_image(bench.manager, BASE_KEY)


@pytest.mark.parametrize("worker", ["w", "other"])
def test_what_was_left_behind_is_taken_over(bench: ImageBench, worker: str) -> None:
    """What another worker holds, only when this host has seen it for long: its age may be a clock's mistake."""
    left = ContainerSpec(
        image="localhost/task", command=("x",), labels={labels.WORKER: worker}, name=lock_name(BASE_KEY)
    )
    container = bench.manager.create(left)
    bench.manager.container(container).created = 1.0
    bench.manager.add_image(unverified_name(BASE_KEY), {labels.KEY: BASE_KEY})
    (bench.config.cache_dir / "image-w-1" / "packages").mkdir(parents=True)
    if worker == "other":
        assert not bench.make(bench.base())
    assert replace(bench.maker(), take_over_seconds=0.0).make(bench.ask(bench.base()))
    assert find_image(bench.manager, BASE_KEY)
    assert bench.leftovers() == []
    assert not list(requests_directory(bench.config).glob("*.seen"))


def test_what_was_seen_in_another_boot_was_not_seen_for_long(
    bench: ImageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = ContainerSpec(
        image="localhost/task", command=("x",), labels={labels.WORKER: "other"}, name=lock_name(BASE_KEY)
    )
    bench.manager.create(theirs)
    assert not bench.make(bench.base())
    later = files.since_boot() + 2 * TAKE_OVER_SECONDS
    monkeypatch.setattr(files, "since_boot", lambda: later)
    monkeypatch.setattr(files, "boot_id", lambda: "another")
    assert not bench.make(bench.base())
    monkeypatch.undo()


def test_somebody_who_was_a_moment_faster_makes_it(bench: ImageBench) -> None:
    bench.manager.fail_next("create", EngineError("the name is already in use", status=409))
    path = bench.ask(bench.base())
    assert not bench.maker().make(path)
    assert path.exists()
