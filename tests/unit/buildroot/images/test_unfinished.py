"""What a helper that died while it made an image has left."""

from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import find_image, lock_name, unverified_names
from koji_adjutant.buildroot.images.unfinished import remove_scratch, remove_unfinished
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import AdjutantError, EngineDamaged, EngineError, EngineUnavailable
from tests.unit.buildroot.image_bench import BASE_KEY, ImageBench


def test_directories_of_a_dead_helper_are_removed_and_anothers_are_not(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    for worker in ("w", "other"):
        (bench.config.cache_dir / f"image-{worker}-1" / "packages").mkdir(parents=True)
    remove_scratch(bench.config, "w")
    assert [path.name for path in bench.config.cache_dir.glob("image-*-*")] == ["image-other-1"]


def test_an_image_that_has_not_got_its_name_goes_under_whichever_it_has(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    bench.ask(bench.base())
    for name in unverified_names(BASE_KEY):
        bench.manager.add_image(name, {labels.KEY: BASE_KEY})
    remove_unfinished(bench.manager, bench.config, "w")
    assert bench.leftovers() == []


@pytest.mark.parametrize(
    "error",
    [
        EngineDamaged("readlink overlay: invalid argument"),
        EngineError("no such link (status 500)", status=500),
    ],
)
def test_one_that_a_power_failure_has_left_half_is_removed_without_a_look(
    tmp_path: Path, error: AdjutantError
) -> None:
    bench = ImageBench(tmp_path)
    bench.ask(bench.base())
    (name, _) = unverified_names(BASE_KEY)
    bench.manager.add_image(name, {labels.KEY: BASE_KEY})
    bench.manager.fail_next("inspect_image", error)
    remove_unfinished(bench.manager, bench.config, "w")
    assert bench.leftovers() == []


def test_an_engine_that_is_away_is_asked_again(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    bench.ask(bench.base())
    bench.manager.fail_next("inspect_image", EngineUnavailable("nobody answers"))
    with pytest.raises(EngineUnavailable):
        remove_unfinished(bench.manager, bench.config, "w")


def test_an_image_that_another_worker_makes_stays(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    bench.ask(bench.base())
    (name, _) = unverified_names(BASE_KEY)
    theirs = ContainerSpec(
        image="localhost/task", command=("x",), labels={labels.WORKER: "other"}, name=lock_name(BASE_KEY)
    )
    with bench.manager.created(theirs):
        bench.manager.add_image(name, {labels.KEY: BASE_KEY})
        remove_unfinished(bench.manager, bench.config, "w")
        assert bench.manager.has_image(name)


def test_a_name_that_is_not_its_only_one_is_taken_from_an_image(tmp_path: Path) -> None:
    """The helper died between the two: the image has its final name already."""
    bench = ImageBench(tmp_path)
    assert bench.make(bench.base())
    image = find_image(bench.manager, BASE_KEY)
    assert image
    bench.ask(bench.base())
    bench.manager.tag_image(image.id, unverified_names(BASE_KEY)[0])
    remove_unfinished(bench.manager, bench.config, "w")
    assert find_image(bench.manager, BASE_KEY) == image
