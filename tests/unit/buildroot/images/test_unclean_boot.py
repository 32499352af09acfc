"""Images of a boot that ended with a power failure are looked at before a task takes them."""

import json
import logging
from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import (
    CENSUS_LABEL,
    UNCHECKED,
    find_image,
    image_name,
    is_unchecked,
    unchecked,
)
from koji_adjutant.buildroot.images.unclean_boot import (
    BOOT,
    ImageCheck,
    note_boot,
    note_end,
)
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container.interface import ImageInfo
from koji_adjutant.errors import EngineDamaged, EngineUnavailable
from koji_adjutant.host.files import JUMP, boot_id
from koji_adjutant.journal.phases import NullJournal
from tests.unit.buildroot.image_bench import BASE_KEY, MORE_KEY, ImageBench
from tests.unit.buildroot.uses import root_use


@pytest.fixture
def bench(tmp_path: Path) -> ImageBench:
    made = ImageBench(tmp_path)
    made.config.state_dir.mkdir(exist_ok=True)
    made.manager.add_image(made.config.task_image_default)
    return made


def boots(bench: ImageBench) -> None:
    note_boot(bench.config.state_dir, bench.config.cache_dir)


def power_fails(bench: ImageBench, since: float = 0.0) -> None:
    """In the boot that was noted, and that began then by the engine's clock; and the machine comes up again."""
    file = bench.config.state_dir / BOOT
    file.write_text(json.dumps({**json.loads(file.read_text()), "boot_id": "the last", "since": since}))
    boots(bench)


def image(bench: ImageBench, key: str = BASE_KEY) -> ImageInfo:
    found = find_image(bench.manager, key)
    assert found is not None
    return found


def check(bench: ImageBench) -> None:
    ImageCheck(manager=bench.manager, config=bench.config, worker="w", journal=NullJournal()).run()


def test_an_image_says_what_is_in_it(bench: ImageBench) -> None:
    assert bench.make(bench.base())
    assert len(image(bench).labels[CENSUS_LABEL]) == 64


def test_no_image_is_taken_before_it_was_looked_at(bench: ImageBench) -> None:
    boots(bench)
    assert bench.make(bench.base())
    assert bench.make(bench.more())
    assert not is_unchecked(bench.config.cache_dir, image(bench))
    power_fails(bench)
    assert is_unchecked(bench.config.cache_dir, image(bench))
    check(bench)
    for key in (BASE_KEY, MORE_KEY):
        assert not is_unchecked(bench.config.cache_dir, image(bench, key))
    assert not (bench.config.cache_dir / UNCHECKED).exists()
    assert bench.leftovers() == []


def test_one_that_cannot_be_looked_at_goes_before_others_are_listed(bench: ImageBench) -> None:
    """As podman 5.4 has it where the name of a layer is empty: it lists no images."""
    boots(bench)
    assert bench.make(bench.base())
    UsageRecords(bench.config.cache_dir).used(BASE_KEY, root_use())
    power_fails(bench)
    bench.manager.fail_next("inspect_image", EngineDamaged("readlink overlay: invalid argument"))
    check(bench)
    assert find_image(bench.manager, BASE_KEY) is None
    assert not UsageRecords(bench.config.cache_dir).find(BASE_KEY)
    assert not (bench.config.cache_dir / UNCHECKED).exists()


def test_empty_files_are_found(bench: ImageBench, caplog: pytest.LogCaptureFixture) -> None:
    boots(bench)
    assert bench.make(bench.base())
    power_fails(bench)
    bench.manager.see = lambda files: {path: b"" if "/usr/" in path else data for path, data in files.items()}
    check(bench)
    assert find_image(bench.manager, BASE_KEY) is None
    assert "after a power failure, its files are not those that it was made with" in caplog.text


def test_an_image_that_says_nothing_is_not_trusted(bench: ImageBench) -> None:
    """Of a version before."""
    boots(bench)
    bench.manager.add_image(image_name(BASE_KEY), {**bench.base().labels("w")})
    power_fails(bench)
    check(bench)
    assert find_image(bench.manager, BASE_KEY) is None


@pytest.mark.parametrize("ends", ["in order", "with a reload", "for the first time"])
def test_other_ends_are_none(bench: ImageBench, ends: str) -> None:
    if ends != "for the first time":
        boots(bench)
    if ends == "in order":
        note_end(bench.config.state_dir)
        power_fails(bench)
    boots(bench)
    assert unchecked(bench.config.cache_dir) is None


def test_older_images_are_as_they_were(bench: ImageBench) -> None:
    boots(bench)
    assert bench.make(bench.base())
    power_fails(bench, since=image(bench).created + JUMP + 1)
    assert not is_unchecked(bench.config.cache_dir, image(bench))


def test_what_an_engine_that_is_away_kept_from_being_done(bench: ImageBench) -> None:
    boots(bench)
    assert bench.make(bench.base())
    power_fails(bench)
    bench.manager.fail_next("create", EngineUnavailable("away"))
    with pytest.raises(EngineUnavailable):
        check(bench)
    assert is_unchecked(bench.config.cache_dir, image(bench))


def test_nothing_is_made_on_an_image_that_is_to_be_looked_at(
    bench: ImageBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    boots(bench)
    assert bench.make(bench.base())
    power_fails(bench)
    assert bench.make(bench.more())
    assert find_image(bench.manager, MORE_KEY) is None
    assert "is looked at after a power failure" in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 9}'])
def test_files_that_are_not_understood(bench: ImageBench, content: str) -> None:
    (bench.config.state_dir / BOOT).write_text(content)
    (bench.config.cache_dir / UNCHECKED).write_text(content)
    boots(bench)
    assert unchecked(bench.config.cache_dir) is None
    assert json.loads((bench.config.state_dir / BOOT).read_text())["boot_id"] == boot_id()
