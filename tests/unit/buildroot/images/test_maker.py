"""Images made in the engine in memory: once, verified, and nothing when something goes wrong."""

import errno
import fcntl
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import (
    BASE_LABEL,
    PACKAGES_LABEL,
    find_image,
    packages_digest,
)
from koji_adjutant.buildroot.images.requests import REFUSED_SECONDS
from koji_adjutant.buildroot.images.reservation import MadeElsewhere
from koji_adjutant.container import labels
from koji_adjutant.errors import EngineError, EngineUnavailable
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.reader import read_journal
from tests.unit.buildroot.image_bench import (
    BASE,
    BASE_KEY,
    CENSUS,
    CONTENT,
    INSTALL,
    MORE,
    MORE_KEY,
    ImageBench,
)


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    return ImageBench(tmp_path)


def test_an_image_is_what_was_asked_for(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    assert bench.maker().make(path)
    image = find_image(bench.manager, BASE_KEY)
    assert image
    assert image.labels[labels.TAG] == "dist-build"
    assert image.labels[PACKAGES_LABEL] == packages_digest([BASE])
    assert bench.manager.root_of(image.id) == {
        f"/rpmdb/{BASE}": CONTENT,
        f"/usr/share/{BASE}": CONTENT * 100,
    }
    assert not path.exists()
    assert bench.leftovers() == []
    assert bench.refusals() == []


def test_its_container_is_never_started(bench: ImageBench) -> None:
    bench.make(bench.base())
    assert [command.argv[:3] for command in bench.manager.commands] == [INSTALL, CENSUS, CENSUS]


def test_an_image_that_is_there_is_not_made_again(bench: ImageBench) -> None:
    bench.make(bench.base())
    bench.manager.specs.clear()
    assert bench.make(bench.base())
    assert bench.manager.specs == []


def test_requirements_are_layers_on_top_of_their_base(bench: ImageBench) -> None:
    bench.make(bench.base())
    assert bench.make(bench.more())
    base, more = find_image(bench.manager, BASE_KEY), find_image(bench.manager, MORE_KEY)
    assert base
    assert more
    assert more.layers[: len(base.layers)] == base.layers
    assert more.labels[BASE_LABEL] == BASE_KEY
    layer = more.layers[len(base.layers)]
    assert sorted(bench.manager.images.known_layers[layer]) == [f"/rpmdb/{MORE}", f"/usr/share/{MORE}"]
    assert bench.leftovers() == []


def test_what_the_requirements_replace_or_remove_is_so_in_their_image(bench: ImageBench) -> None:
    bench.make(bench.base())

    def install(files: dict[str, bytes], nevras: tuple[str, ...]) -> int:
        del files[f"/usr/share/{BASE}"]
        files[f"/rpmdb/{BASE}"] = b"changed"
        return bench.manager.put(files, nevras)

    bench.manager.install = install
    assert bench.make(bench.more())
    more = find_image(bench.manager, MORE_KEY)
    assert more
    files = bench.manager.root_of(more.id)
    assert sorted(files) == [f"/rpmdb/{BASE}", f"/rpmdb/{MORE}", f"/usr/share/{MORE}"]
    assert files[f"/rpmdb/{BASE}"] == b"changed"


def test_without_its_base_nothing_is_made_and_nothing_held_against_it(bench: ImageBench) -> None:
    assert bench.make(bench.more())
    assert find_image(bench.manager, MORE_KEY) is None
    assert bench.refusals() == []


def test_a_failing_installation_is_remembered_with_its_reason(
    bench: ImageBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.manager.install = lambda *_: 1
    assert bench.make(bench.base())
    assert not bench.ask(bench.base()).exists()
    assert find_image(bench.manager, BASE_KEY) is None
    (reason,) = bench.refusals()
    assert "rpm ended with status 1 in its root: installed" in reason
    assert len([record for record in caplog.records if "rpm ended" in record.message]) == 1
    assert bench.leftovers() == []


def test_events_of_an_image(bench: ImageBench, tmp_path: Path) -> None:
    bench.journal = FileJournal(tmp_path / "journal")
    bench.manager.install = lambda *_: 1
    assert bench.make(bench.base())
    begun, failed = read_journal(tmp_path / "journal")
    assert (begun.name, begun.details["key"], begun.details["kind"]) == ("image-begun", BASE_KEY, "base")
    assert (failed.name, failed.details["key"]) == ("image-failed", BASE_KEY)
    assert "rpm ended with status 1" in failed.details["reason"]
    assert failed.details["again_after_seconds"] == REFUSED_SECONDS


def test_a_root_with_other_packages_than_the_task_had_is_not_kept(bench: ImageBench) -> None:
    bench.make(replace(bench.base(), contents=packages_digest([BASE, MORE])))
    (reason,) = bench.refusals()
    assert "rpm lists other packages" in reason
    assert bench.leftovers() == []


@pytest.mark.parametrize("path", ["/usr/.wh.lost", "/.wh..wh..opq"])
def test_a_root_that_an_image_cannot_keep_is_not_kept(bench: ImageBench, path: str) -> None:
    bench.manager.see = lambda files: {**files, path: b""}
    bench.make(bench.base())
    (reason,) = bench.refusals()
    assert f"an image cannot keep {path}" in reason


def test_an_image_that_lost_something_gets_no_name(bench: ImageBench) -> None:
    seen: list[dict[str, bytes]] = []

    def see(files: dict[str, bytes]) -> dict[str, bytes]:
        seen.append(files)
        return (
            files if len(seen) == 1 else {path: data for path, data in files.items() if "share" not in path}
        )

    bench.manager.see = see
    bench.make(bench.base())
    assert find_image(bench.manager, BASE_KEY) is None
    (reason,) = bench.refusals()
    assert "is another: it has {'d': 1, 'f': 1} paths by kind, {'d': 1, 'f': 2} before" in reason
    assert bench.leftovers() == []


def test_its_files_are_on_the_disk_before_it_has_its_name(
    bench: ImageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, bool]] = []

    def sync(directory: Path) -> bool:
        synced.append((directory, find_image(bench.manager, BASE_KEY) is not None))
        return True

    monkeypatch.setattr("koji_adjutant.buildroot.images.maker.sync", sync)
    storage = bench.config.cache_dir
    assert replace(bench.maker(), storage=storage).make(bench.ask(bench.base()))
    assert synced == [(storage, False)]
    assert find_image(bench.manager, BASE_KEY)


def test_an_image_that_is_not_on_the_disk_gets_no_name(
    bench: ImageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(_directory: Path) -> bool:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("koji_adjutant.buildroot.images.maker.sync", sync)
    assert replace(bench.maker(), storage=bench.config.cache_dir).make(bench.ask(bench.base()))
    assert find_image(bench.manager, BASE_KEY) is None
    assert bench.leftovers() == []


def test_processes_of_one_host_take_turns(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    with (bench.config.cache_dir / "image-making.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert not bench.maker().make(path)
    assert bench.maker().make(path)
    assert issubclass(MadeElsewhere, Exception)


def test_an_engine_that_is_away_leaves_the_request(bench: ImageBench) -> None:
    path = bench.ask(bench.base())
    bench.manager.fail_next("export_root", EngineUnavailable("the engine is away"))
    with pytest.raises(EngineUnavailable):
        bench.maker().make(path)
    assert path.exists()
    assert bench.refusals() == []
    assert bench.maker().make(path)
    assert find_image(bench.manager, BASE_KEY)


@pytest.mark.parametrize("step", ["export_root", "load_image", "tag_image", "untag_image"])
def test_an_engine_that_refuses_a_step_leaves_no_half_image(bench: ImageBench, step: str) -> None:
    bench.manager.fail_next(step, EngineError("no", status=500))
    assert bench.make(bench.base())
    image = find_image(bench.manager, BASE_KEY)
    assert image is None or len(bench.manager.root_of(image.id)) == 2
    assert bench.leftovers() == []
