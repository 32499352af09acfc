"""Images made step by step in the engine in memory: once, verified, and nothing of them when something goes wrong."""

import fcntl
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot import image_layers
from koji_adjutant.buildroot.image_maker import ENGINE_SECONDS, MadeElsewhere, remove_unfinished
from koji_adjutant.buildroot.images import (
    BASE_LABEL,
    PACKAGES_LABEL,
    REFUSED_SECONDS,
    find_image,
    lock_name,
    packages_digest,
    requests_directory,
    unverified_name,
)
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import EngineError, EngineUnavailable
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


def refused(bench: ImageBench) -> list[str]:
    return [path.read_text() for path in requests_directory(bench.config).glob("*.refused")]


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
    assert refused(bench) == []


def test_its_container_is_never_started(bench: ImageBench) -> None:
    bench.make(bench.base())
    assert [command.argv[:3] for command in bench.manager.commands] == [INSTALL, CENSUS, CENSUS]


def test_an_image_that_is_there_is_not_made_again(bench: ImageBench) -> None:
    bench.make(bench.base())
    bench.manager.specs.clear()
    assert bench.make(bench.base())
    assert bench.manager.specs == []


def test_each_layer_is_loaded_alone_and_the_engine_left_in_between(
    bench: ImageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_layers, "LAYER_MEMBERS", 1)
    monkeypatch.setattr(image_layers, "MOST_LAYERS", 1000)
    bench.make(bench.base())
    image = find_image(bench.manager, BASE_KEY)
    assert image
    assert len(image.layers) > 2
    assert len(bench.pauses) == len(image.layers)
    assert len(bench.manager.root_of(image.id)) == 2
    assert bench.leftovers() == []


def test_requirements_are_layers_on_top_of_their_base(bench: ImageBench) -> None:
    bench.make(bench.base())
    assert bench.make(bench.more())
    base, more = find_image(bench.manager, BASE_KEY), find_image(bench.manager, MORE_KEY)
    assert base
    assert more
    assert more.layers[: len(base.layers)] == base.layers
    assert more.labels[BASE_LABEL] == BASE_KEY
    (layer,) = more.layers[len(base.layers) :]
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
    assert refused(bench) == []


def test_packages_that_are_gone_are_not_held_against_it(bench: ImageBench) -> None:
    (bench.config.cache_dir / bench.package(BASE).file).unlink()
    assert bench.make(bench.base())
    assert find_image(bench.manager, BASE_KEY) is None
    assert refused(bench) == []
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


def test_a_failing_installation_is_remembered_with_its_reason(
    bench: ImageBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench.manager.install = lambda *_: 1
    assert bench.make(bench.base())
    assert not bench.ask(bench.base()).exists()
    assert find_image(bench.manager, BASE_KEY) is None
    (reason,) = refused(bench)
    assert "rpm ended with status 1 in its root: installed" in reason
    assert len([record for record in caplog.records if "rpm ended" in record.message]) == 1
    assert bench.leftovers() == []


@pytest.mark.parametrize(
    ("status", "said"), [(149, b"installing x needs 5MB more space on the / filesystem\n"), (137, b"")]
)
def test_an_installation_that_the_host_has_ended_is_soon_tried_again(
    bench: ImageBench, status: int, said: bytes
) -> None:
    bench.manager.install, bench.manager.says = lambda *_: status, said
    assert bench.make(bench.base())
    (marker,) = requests_directory(bench.config).glob("*.refused")
    before = time.time() - marker.stat().st_mtime
    assert REFUSED_SECONDS - ENGINE_SECONDS - 60 < before < REFUSED_SECONDS
    assert bench.leftovers() == []


def test_a_root_with_other_packages_than_the_task_had_is_not_kept(bench: ImageBench) -> None:
    bench.make(replace(bench.base(), contents=packages_digest([BASE, MORE])))
    (reason,) = refused(bench)
    assert "rpm lists other packages" in reason
    assert bench.leftovers() == []


@pytest.mark.parametrize("path", ["/usr/.wh.lost", "/.wh..wh..opq"])
def test_a_root_that_an_image_cannot_keep_is_not_kept(bench: ImageBench, path: str) -> None:
    bench.manager.see = lambda files: {**files, path: b""}
    bench.make(bench.base())
    (reason,) = refused(bench)
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
    (reason,) = refused(bench)
    assert "is another: it has {'d': 1, 'f': 1} paths by kind, {'d': 1, 'f': 2} before" in reason
    assert bench.leftovers() == []


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
def test_what_was_left_behind_is_taken_over(
    bench: ImageBench, worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        monkeypatch.setattr("koji_adjutant.buildroot.image_maker.TAKE_OVER_SECONDS", 0.0)
    assert bench.make(bench.base())
    assert find_image(bench.manager, BASE_KEY)
    assert bench.leftovers() == []
    assert not list(requests_directory(bench.config).glob("*.seen"))


def test_somebody_who_was_a_moment_faster_makes_it(bench: ImageBench) -> None:
    bench.manager.fail_next("create", EngineError("the name is already in use", status=409))
    path = bench.ask(bench.base())
    assert not bench.maker().make(path)
    assert path.exists()


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
    assert refused(bench) == []
    assert bench.maker().make(path)
    assert find_image(bench.manager, BASE_KEY)


@pytest.mark.parametrize("step", ["export_root", "load_image", "tag_image", "untag_image"])
def test_an_engine_that_refuses_a_step_leaves_no_half_image(bench: ImageBench, step: str) -> None:
    bench.manager.fail_next(step, EngineError("no", status=500))
    assert bench.make(bench.base())
    image = find_image(bench.manager, BASE_KEY)
    assert image is None or len(bench.manager.root_of(image.id)) == 2
    assert bench.leftovers() == []


def test_what_a_dead_helper_left_is_removed_and_anothers_is_not(bench: ImageBench) -> None:
    for worker in ("w", "other"):
        (bench.config.cache_dir / f"image-{worker}-1" / "packages").mkdir(parents=True)
    remove_unfinished(bench.config, "w")
    assert [path.name for path in bench.config.cache_dir.glob("image-*-*")] == ["image-other-1"]
