"""Images written in layers: of one on top of another only what differs, which two looks at the root tell."""

from pathlib import Path

from koji_adjutant.buildroot.images.keys import find_image
from tests.unit.buildroot.image_bench import BASE_KEY, CENSUS, INSTALL, MORE, MORE_KEY, ImageBench


def test_a_root_of_requirements_is_looked_at_before_it_is_populated(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    assert bench.make(bench.base())
    bench.manager.commands.clear()
    assert bench.make(bench.more())
    assert [command.argv[:3] for command in bench.manager.commands] == [CENSUS, INSTALL, CENSUS, CENSUS]


def test_what_a_root_of_requirements_has_from_its_base_is_not_loaded_again(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    assert bench.make(bench.base())
    assert bench.make(bench.more())
    base, more = find_image(bench.manager, BASE_KEY), find_image(bench.manager, MORE_KEY)
    assert base
    assert more
    (layer,) = more.layers[len(base.layers) :]
    assert sorted(bench.manager.images.known_layers[layer]) == [f"/rpmdb/{MORE}", f"/usr/share/{MORE}"]
