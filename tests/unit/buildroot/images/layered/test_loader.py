"""Images loaded layer by layer into the engine in memory, and what becomes of one that wants whole images."""

from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import find_image
from koji_adjutant.buildroot.images.layered.layers import LayerSizes
from koji_adjutant.buildroot.images.layered.writer import LayeredWriter
from koji_adjutant.errors import EngineError
from tests.unit.buildroot.image_bench import BASE_KEY, MORE_KEY, ImageBench


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_each_layer_is_loaded_alone_and_the_engine_left_in_between(bench: ImageBench) -> None:
    sizes = LayerSizes(members=1, most_layers=1000)
    writer = LayeredWriter(manager=bench.manager, pause=bench.pauses.append, sizes=sizes)
    assert replace(bench.maker(), writer=writer).make(bench.ask(bench.base()))
    image = find_image(bench.manager, BASE_KEY)
    assert image
    assert len(image.layers) > 2
    assert len(bench.pauses) == len(image.layers)
    assert len(bench.manager.root_of(image.id)) == 2
    assert bench.leftovers() == []


def test_an_engine_that_wants_whole_images_gets_them(bench: ImageBench) -> None:
    bench.manager.fail_next("load_image", EngineError("a layer is missing", status=500))
    assert bench.make(bench.base())
    assert find_image(bench.manager, BASE_KEY)
    bench.manager.fail_next("load_image", EngineError("a layer is missing", status=500))
    assert bench.make(bench.more())
    more = find_image(bench.manager, MORE_KEY)
    assert more
    assert len(bench.manager.root_of(more.id)) == 4
    assert bench.leftovers() == []
