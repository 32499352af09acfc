"""Buildroot images for real: what is in them, how they share, and what a maker leaves that dies at any step."""

import json
import multiprocessing
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.buildroot.images.cached import cached_images
from koji_adjutant.buildroot.images.keys import (
    EMPTY_IMAGE,
    find_image,
    image_name,
    lock_name,
    unverified_names,
)
from koji_adjutant.buildroot.images.population import Population
from koji_adjutant.buildroot.images.removal import SETTLING_SECONDS, Limits, prune
from koji_adjutant.buildroot.images.requests import ImageRequest
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.daemon.cleanup.containers import Sweeper
from koji_adjutant.errors import EngineUnavailable
from koji_adjutant.journal.phases import NullJournal, Phase
from koji_adjutant.testbed.engine.service import Engine
from tests.contract import image_roots
from tests.contract.containers import kill_service
from tests.contract.image_roots import Bench, config_below, import_tools
from tests.waiting import eventually

pytestmark = pytest.mark.podman

KEY, MORE_KEY = "a" * 64, "b" * 64
WORKER = "w"
FILES = 300
STEPS = ("create", "run", "export_root", "load_image", "remove_image", "tag_image", "untag_image")


@pytest.fixture(scope="module")
def tools(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image that the installer and the census run in."""
    yield import_tools(engine, tmp_path_factory.mktemp("tools"))
    engine.podman("rmi", "--force", image_roots.TOOLS)


@pytest.fixture
def bench(tools: str, tmp_path: Path, engine: Engine) -> Iterator[Bench]:
    yield Bench(directory=tmp_path, config=config_below(tmp_path), task_image=tools)
    for image in our_images(engine):
        engine.podman("rmi", "--force", image)
    engine.podman("rmi", "--force", "--ignore", EMPTY_IMAGE)


def our_images(engine: Engine) -> list[str]:
    listed = engine.podman("images", "--all", "--quiet", "--no-trunc", "--filter", f"label={labels.KEY}")
    return list(dict.fromkeys(listed.split()))


def base_request(bench: Bench) -> ImageRequest:
    package = bench.package("odd", image_roots.BASE, image_roots.BASE_FILES)
    return bench.request(KEY, package)


def seen(manager: PodmanManager, image: str, path: Path) -> dict[str, tuple[Any, ...]]:
    """What an export says of each path of an image's root, with its content; an oracle of its own."""
    with manager.created(ContainerSpec(image=image, command=("x",), labels={})) as container:
        return exported(manager, container, path)


def exported(manager: PodmanManager, container: str, path: Path) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    with manager.export_root(container) as stream, path.open("wb") as file:
        while piece := stream.read(1 << 20):
            file.write(piece)
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            link = () if member.islnk() else (member.type, member.linkname)
            mtime = member.mtime if member.isfile() else 0
            capabilities = member.pax_headers.get("SCHILY.xattr.security.capability")
            found[member.name] = (
                *link,
                member.mode,
                member.uid,
                member.gid,
                mtime,
                capabilities,
                None if member.islnk() or content is None else content.read(),
            )
    return found


def populated(manager: PodmanManager, bench: Bench, request: ImageRequest, image: str) -> dict[str, Any]:
    """What the installer makes of a root, without an image."""
    spec = ContainerSpec(image=image, command=("x",), labels={})
    with manager.created(spec) as container:
        scratch = bench.directory / "by-hand"
        scratch.mkdir()
        population = Population(manager=manager, config=bench.config, worker=WORKER)
        population.run(request, container, manager.mount_root(container), scratch)
        return exported(manager, container, bench.directory / "by-hand.tar")


VOLATILE = ("usr/lib/sysimage/rpm/", "root/.rpmdb/", "var/lib/rpm/", "etc/machine-id")


def lasting(found: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Without what no two installations have in common, and without when files were made by the installer."""
    return {
        name: tuple(
            part for number, part in enumerate(what) if not (number == len(what) - 3 and "opt/" not in name)
        )
        for name, what in found.items()
        if not name.startswith(VOLATILE)
    }


def test_empty_images_made_at_once_are_one(manager: PodmanManager) -> None:
    # An engine that has none yet is asked by several tasks.
    name, looks = "localhost/empty-contract:2", threading.Barrier(4)

    def make() -> str:
        looks.wait()
        return manager.import_empty_image(name).id

    with ThreadPoolExecutor(4) as threads:
        made = {future.result() for future in [threads.submit(make) for _ in range(4)]}
    try:
        assert len(made) == 1
    finally:
        for image in made:
            manager.remove_image(image)


def test_an_image_is_the_populated_root(manager: PodmanManager, bench: Bench, tmp_path: Path) -> None:
    request = base_request(bench)
    assert bench.maker(manager, WORKER).make(bench.ask(request))
    assert bench.refusals() == []
    image = find_image(manager, KEY)
    assert image
    empty = manager.import_empty_image(EMPTY_IMAGE)
    expected = lasting(populated(manager, bench, request, empty.id))
    found = lasting(seen(manager, image.id, tmp_path / "image.tar"))
    assert found.keys() == expected.keys()
    assert {name: what for name, what in found.items() if what != expected[name]} == {}
    assert found["opt/odd/program"][2] & 0o7777 == 0o4755
    assert found["opt/capable"][-2]
    assert "opt/odd/bytes-\udcff\udcfe" in found
    assert found["builddir/build"][3:5] == (1000, 135)


def test_an_image_of_requirements_shares_its_base(
    manager: PodmanManager, bench: Bench, tmp_path: Path
) -> None:
    base = base_request(bench)
    assert bench.maker(manager, WORKER).make(bench.ask(base))
    package = bench.package("odd", image_roots.MORE, version="2")
    # The solver names what an update replaces among what is removed.
    update = bench.request(MORE_KEY, package, base_key=KEY)
    request = replace(update, removed=frozenset(each.nevra for each in base.packages))
    assert bench.maker(manager, WORKER).make(bench.ask(request))
    assert bench.refusals() == []
    below, above = find_image(manager, KEY), find_image(manager, MORE_KEY)
    assert below
    assert above
    assert above.layers[: len(below.layers)] == below.layers
    assert above.size - below.size < 4_000_000
    assert len(below.layers) > 2
    found = lasting(seen(manager, above.id, tmp_path / "more.tar"))
    expected = lasting(populated(manager, bench, request, below.id))
    assert {name: what for name, what in found.items() if what != expected[name]} == {}
    assert found.keys() == expected.keys()
    assert "opt/odd/removed" not in found
    assert "opt/odd/new/file" in found
    assert "opt/odd/removed" in seen(manager, below.id, tmp_path / "base.tar")


@pytest.mark.parametrize(
    ("install", "reason"),
    [
        (image_roots.WHITEOUT, "an image cannot keep /opt/.wh.file"),
        (image_roots.SPARSE, "bytes of it are holes in files"),
    ],
)
def test_roots_that_no_image_keeps_are_refused(
    manager: PodmanManager, bench: Bench, engine: Engine, install: str, reason: str
) -> None:
    request = bench.request(KEY, bench.package("odd", install))
    path = bench.ask(request)
    assert bench.maker(manager, WORKER).make(path)
    (said,) = bench.refusals()
    assert reason in said
    assert our_images(engine) == []
    assert not bench.ask(request).exists()


class Doomed(PodmanManager):
    """Kills its process after a call: the `number`th of `method`."""

    def __init__(self, socket: str, method: str, number: int) -> None:
        super().__init__(socket, Timeouts())
        count = iter(range(number, -1, -1))
        real = getattr(self, method)

        def doomed(*arguments: Any, **options: Any) -> Any:
            done = real(*arguments, **options)
            if next(count) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(self, method, doomed)


def run_doomed(socket: str, bench: Bench, path: Path, method: str, number: int = 0) -> int | None:
    """The exit code of a maker that dies after that call."""

    def run() -> None:
        bench.maker(Doomed(socket, method, number), WORKER).make(path)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join(60)
    return child.exitcode


def test_an_image_brings_nothing_but_its_root_and_what_it_says_of_itself(
    manager: PodmanManager, bench: Bench, engine: Engine
) -> None:
    assert bench.maker(manager, WORKER).make(bench.ask(base_request(bench)))
    image = find_image(manager, KEY)
    assert image
    (shown,) = json.loads(engine.podman("image", "inspect", image.id))
    assert all(label.startswith(labels.PREFIX) for label in shown["Labels"])
    assert {key: value for key, value in shown["Config"].items() if key != "Labels" and value} == {}


def test_a_maker_that_is_killed_leaves_a_whole_image_or_none(
    manager: PodmanManager, bench: Bench, engine: Engine
) -> None:
    manager.close()
    request = base_request(bench)
    for step in STEPS:
        path = bench.ask(request)
        assert run_doomed(engine.socket, bench, path, step) == -signal.SIGKILL, step
        assert is_whole_or_none(manager, bench.directory), step
        sweep(manager)
        assert bench.maker(manager, WORKER).make(path), step
        made = find_image(manager, KEY)
        assert made, step
        assert our_images(engine) == [f"sha256:{made.id}"], step
        assert manager.find({labels.WORKER: WORKER}) == (), step
        manager.remove_image(image_name(KEY))
        assert our_images(engine) == [], step
    assert not list(bench.config.cache_dir.glob("image-w-*"))


@pytest.mark.parametrize("number", [1, 3])
def test_a_maker_that_is_killed_between_two_layers_is_cleaned_up_after(
    manager: PodmanManager, bench: Bench, engine: Engine, number: int
) -> None:
    manager.close()
    path = bench.ask(base_request(bench))
    assert run_doomed(engine.socket, bench, path, "load_image", number) == -signal.SIGKILL
    assert any(map(manager.inspect_image, unverified_names(KEY)))
    assert find_image(manager, KEY) is None
    assert manager.inspect(lock_name(KEY))
    assert bench.maker(manager, WORKER).make(path)
    image = find_image(manager, KEY)
    assert image
    assert our_images(engine) == [f"sha256:{image.id}"]
    assert manager.find({labels.WORKER: WORKER}) == ()


def test_two_workers_make_an_image_once(
    manager: PodmanManager, bench: Bench, engine: Engine, tmp_path: Path
) -> None:
    manager.close()
    request = base_request(bench)
    (tmp_path / "other").mkdir()
    other = replace(bench, directory=tmp_path / "other", config=config_below(tmp_path / "other"))
    (other.config.cache_dir).mkdir(parents=True)
    (other.config.cache_dir / "packages").symlink_to(bench.config.cache_dir / "packages")
    fork = multiprocessing.get_context("fork")
    made: Any = fork.Queue()

    @dataclass
    class Journal:
        worker: str

        def record(self, phase: Any, **_details: Any) -> None:
            if phase is Phase.IMAGE_MADE:
                made.put(self.worker)

    def work(worker: str, own: Bench) -> None:
        mine = PodmanManager(engine.socket, Timeouts())
        one = own.maker(mine, worker, cast("Any", Journal(worker)))
        path = own.ask(request)
        eventually(lambda: one.make(path), "the image is there", seconds=120)

    children = [fork.Process(target=work, args=pair) for pair in (("one", bench), ("two", other))]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0, 0]
    assert made.get(timeout=5) in {"one", "two"}
    assert made.empty()
    image = find_image(manager, KEY)
    assert image
    assert our_images(engine) == [f"sha256:{image.id}"]
    assert [*bench.refusals(), *other.refusals()] == []


def test_an_engine_that_is_killed_leaves_no_half_image(
    engine: Engine, bench: Bench, tmp_path: Path, tools: str
) -> None:
    engine.podman("save", "--quiet", "--output", str(tmp_path / "tools.tar"), tools)
    own = Engine(tmp_path / "own", choice=engine.choice)
    request = base_request(bench)
    path = bench.ask(request)
    try:
        own.start()
        own.load_archive(tmp_path / "tools.tar")
        manager = PodmanManager(own.socket, Timeouts())
        for seconds in (0.5, 1.5, 2.5):
            killer = threading.Timer(seconds, lambda: kill_service(own))
            killer.start()
            with suppress(EngineUnavailable):
                bench.maker(manager, WORKER).make(path)
            killer.join()
            own.serve()
            assert is_whole_or_none(manager, tmp_path)
            if find_image(manager, KEY):
                manager.remove_image(image_name(KEY))
                path = bench.ask(request)
            sweep(manager)
        assert bench.maker(manager, WORKER).make(path)
        made = find_image(manager, KEY)
        assert made
        # A container that was about to be when the engine was killed may show later.
        sweep(manager)
        assert manager.find({labels.WORKER: WORKER}) == ()
        # So may an image that it was of: that has lost its name by then, and is found in the next look at all of them.
        look_at_all_images(manager, UsageRecords(tmp_path, time.time))
        assert our_images(own) == [f"sha256:{made.id}"]
        manager.close()
    finally:
        own.destroy()


def look_at_all_images(manager: PodmanManager, records: UsageRecords) -> None:
    """What the daemon does once a day, when nobody can be making an image any more that is there now."""
    images, limits = cached_images(manager, records, scan=True), Limits(size=1 << 50, age=float(1 << 30))
    later = time.time() + 2 * SETTLING_SECONDS
    prune(images, manager, records, limits, worker=WORKER, journal=NullJournal(), clock=lambda: later)


def is_whole_or_none(manager: PodmanManager, directory: Path) -> bool:
    """What a task would find."""
    image = find_image(manager, KEY)
    return image is None or len(seen(manager, image.id, directory / "left.tar")) > FILES


def sweep(manager: PodmanManager) -> None:
    """What the daemon's sweep does about containers when no image is being made."""
    sweeper = Sweeper(manager=manager, journal=NullJournal(), worker=WORKER)
    sweeper.sweep_leftovers(frozenset, images=True)
