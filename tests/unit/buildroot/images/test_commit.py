"""Images that the engine in memory commits."""

from pathlib import Path

from tests.unit.buildroot.image_bench import CENSUS, INSTALL, ImageBench


def test_tasks_go_first_and_the_root_is_looked_at_twice_whatever_it_is_made_from(tmp_path: Path) -> None:
    bench = ImageBench(tmp_path)
    for request in (bench.base(), bench.more()):
        bench.pauses.clear()
        bench.manager.commands.clear()
        assert bench.make(request)
        assert [command.argv[:3] for command in bench.manager.commands] == [INSTALL, CENSUS, CENSUS]
        assert bench.pauses == [0.0]
