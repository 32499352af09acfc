"""Images of BuildRequires, on the engine in memory: when one is asked for, and how a container of it takes over."""

import hashlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from koji_adjutant.buildroot.images.keys import find_image, image_name
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container import labels
from koji_adjutant.errors import BuildFailed, EngineError
from koji_adjutant.task_adapters.rpmbuild import DYNAMIC, FAILED, MISSING
from tests.fakes.containers import Command, FakeContainer
from tests.unit.buildroot.fake_repo import asked
from tests.unit.buildroot.uses import root_use
from tests.unit.task_adapters.build_bench import (
    BASE,
    EXPIRED,
    FLEX,
    SOLVER,
    STATES,
    ZLIB,
    Answer,
    Bench,
    script_of,
)

NEEDS_ZLIB = Answer(code=MISSING, requires=("zlib",))


@pytest.fixture
def needing(bench: Bench) -> Bench:
    """A task whose package needs zlib, with an image of the base."""
    bench.have_image()
    bench.answers = {"source": [NEEDS_ZLIB], "again": [Answer()]}
    return bench


def test_a_container_of_the_image_takes_over(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    needing.have_image((*BASE, ZLIB), key=key)
    assert [path.name for path in needing.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert needing.roles == ["solver", "build", "solver", "build"]
    first, second = (spec for spec in needing.manager.specs if spec.command[-1].startswith("%{NAME}"))
    assert first.labels == second.labels
    assert needing.hub.host.calls == [*STATES, ("updateBuildRootList", ["bash", "zlib"]), EXPIRED]
    record = UsageRecords(needing.config.cache_dir).find(key)
    assert record is not None
    assert (record.kind, record.hits) == ("requires", 1)
    assert needing.asked_for == []


def test_what_came_with_images_is_in_root_log(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    needing.have_image((*BASE, ZLIB), key=key)
    needing.run()
    lines = needing.hub.files["root.log"].decode().splitlines()
    assert re.match(r"install group: \d+ packages, from image \S+$", lines[0])
    assert f"Install    {BASE[0]}" in lines
    added = lines.index(f"BuildRequires: 1 packages, from image {image_name(key)}")
    assert lines[added + 1] == f"Install    {ZLIB}"


def test_the_source_package_is_made_in_the_base_root_and_goes_along(needing: Bench) -> None:
    needing.have_image((*BASE, ZLIB), key=needing.requires_key(ZLIB))
    seen: list[bool] = []

    def again(container: FakeContainer, _: Command) -> tuple[int, ...]:
        seen.append("/builddir/build/SRPMS/hello-1-1.src.rpm" in container.files)
        container.files["/builddir/build/RPMS/hello-1-1.x86_64.rpm"] = b"package"
        return (0,)

    needing.script(script_of("again"), again)
    needing.run()
    assert seen == [True]
    scripts = {("source.sh",), ("again.sh",)}
    commands = [command for command in needing.manager.commands if command.argv[3:4] in scripts]
    containers = [command.container for command in commands]
    assert len(containers) == 2
    assert containers[0] != containers[1]


def test_later_requirements_are_installed_in_the_container_that_took_over(needing: Bench) -> None:
    needing.have_image((*BASE, ZLIB), key=needing.requires_key(ZLIB))
    needing.answers = {
        "source": [Answer(code=DYNAMIC, requires=("zlib",))],
        "again": [Answer(code=DYNAMIC, requires=("zlib",))],
        "requires": [Answer(code=MISSING, requires=("flex",)), Answer()],
        "binary": [Answer()],
    }
    needing.run()
    assert needing.roles == ["solver", "build", "solver", "build", "solver", "installer"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "flex", "zlib"])


def test_an_image_with_other_packages_is_thrown_away_and_the_task_installs(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    needing.have_image((*BASE, ZLIB), key=key, inside=(*BASE, FLEX))
    needing.run()
    assert find_image(needing.manager, key) is None
    assert needing.roles == ["solver", "build", "solver", "build", "installer"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_a_base_image_with_other_packages_is_thrown_away_and_the_task_populates(bench: Bench) -> None:
    bench.have_image(inside=(FLEX,))
    bench.run()
    assert find_image(bench.manager, bench.base_key()) is None
    assert bench.roles == ["solver", "build", "build", "installer"]
    assert bench.asked_for == [bench.base_key()]


def test_a_base_image_that_says_what_is_in_it_and_is_not_what_was_solved_is_thrown_away(bench: Bench) -> None:
    bench.have_image((*BASE, FLEX))
    bench.run()
    assert find_image(bench.manager, bench.base_key()) is None
    assert bench.hub.host.calls[1] == ("setBuildRootList", ["bash"])


def test_an_image_that_cannot_be_started_is_thrown_away(bench: Bench) -> None:
    image = bench.have_image()
    start = bench.manager.start

    def refuse(container: str) -> None:
        if bench.manager.container(container).spec.image == image.id:
            raise EngineError("no such file: /bin/bash", status=500)
        start(container)

    cast("Any", bench.manager).start = refuse
    bench.run()
    assert find_image(bench.manager, bench.base_key()) is None
    assert bench.roles == ["solver", "build", "build", "installer"]


def test_a_home_that_cannot_be_copied_leaves_the_image_and_the_task_installs(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    needing.have_image((*BASE, ZLIB), key=key)
    needing.manager.fail_next("copy_across", EngineError("a name that no archive holds", status=500))
    needing.run()
    assert find_image(needing.manager, key) is not None
    assert needing.roles == ["solver", "build", "solver", "build", "installer"]


def test_no_image_is_asked_for_the_first_time(needing: Bench) -> None:
    needing.run()
    assert needing.asked_for == []


def test_an_image_is_asked_for_the_second_time_within_a_day(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    UsageRecords(needing.config.cache_dir).requires_built(key, root_use(kind="requires"))
    needing.run()
    assert needing.asked_for == [needing.requires_key(ZLIB)]


def test_an_image_is_asked_for_at_once_by_a_scratch_build(needing: Bench) -> None:
    needing.hub.scratch = True
    needing.run()
    assert needing.asked_for == [needing.requires_key(ZLIB)]


def test_an_image_is_asked_for_at_once_by_a_build_that_fails(needing: Bench) -> None:
    needing.answers["again"] = [Answer(code=FAILED)]
    with pytest.raises(BuildFailed):
        needing.run()
    assert needing.asked_for == [needing.requires_key(ZLIB)]


def test_a_build_that_fails_before_it_installs_asks_for_nothing(needing: Bench) -> None:
    needing.answers = {"source": [Answer(code=FAILED)]}
    with pytest.raises(BuildFailed):
        needing.run()
    assert needing.asked_for == []


def test_what_is_expected_is_looked_for_beside_the_build(needing: Bench) -> None:
    needing.expected = ("zlib",)
    needing.answers["source"] = [Answer(code=MISSING, requires=needing.expected)]
    needing.run()
    assert needing.roles == ["solver", "build", "solver", "installer"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_a_container_that_was_started_ahead_takes_over(needing: Bench) -> None:
    needing.have_image((*BASE, ZLIB), key=needing.requires_key(ZLIB))
    needing.expected = ("zlib",)
    assert [path.name for path in needing.run()] == ["hello-1-1.x86_64.rpm", "hello-1-1.src.rpm"]
    assert needing.roles == ["solver", "build", "solver", "build"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_what_is_known_to_be_missing_is_told_to_the_build_script(needing: Bench) -> None:
    needing.expected = ("zlib", "rpmlib(CompressedFileNames) <= 3.0.4-1")
    needing.answers = {"source": [NEEDS_ZLIB, NEEDS_ZLIB], "again": [Answer(), Answer()]}
    needing.run()
    for name in ("result", "stage"):
        (needing.ctx.workdir / name).rename(needing.ctx.workdir / f"first {name}")
    needing.run()
    there = hashlib.sha256(b"zlib\n").hexdigest()
    assert [arguments[3:] for arguments in needing.build_actions if arguments[0] == "source"] == [
        ("",),
        (there,),
    ]


def test_a_container_that_was_started_ahead_in_vain_goes(needing: Bench) -> None:
    needing.have_image((*BASE, FLEX), key=needing.requires_key(FLEX))
    needing.expected = ("flex",)
    needing.run()
    assert needing.roles == ["solver", "build", "solver", "build", "solver", "installer"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_an_image_that_lies_is_thrown_away_ahead(needing: Bench) -> None:
    key = needing.requires_key(ZLIB)
    needing.have_image((*BASE, ZLIB), key=key, inside=(*BASE, FLEX))
    needing.expected = ("zlib",)
    needing.run()
    assert find_image(needing.manager, key) is None
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_what_is_expected_in_vain_does_no_harm(needing: Bench) -> None:
    needing.expected = ("flex",)
    needing.run()
    assert needing.roles == ["solver", "build", "solver", "solver", "installer"]
    assert needing.hub.host.calls[-2] == ("updateBuildRootList", ["bash", "zlib"])


def test_what_is_expected_and_cannot_be_had_is_no_error(needing: Bench) -> None:
    needing.expected = ("nothing",)
    needing.run()
    assert b"nothing" not in needing.hub.files.get("root.log", b"")


def test_what_seems_to_be_there_is_not_looked_for(bench: Bench) -> None:
    bench.have_image()
    bench.expected = ("bash >= 1", "rpmlib(CompressedFileNames) <= 3.0.4-1")
    bench.run()
    assert bench.roles == ["solver", "build"]


def test_the_root_stays_while_it_is_read(needing: Bench) -> None:
    needing.expected = ("zlib",)
    needing.answers = {"source": [Answer(code=FAILED)]}
    asked_for, may_answer = threading.Event(), threading.Event()
    solve = needing._solve

    def slowly(container: FakeContainer, command: Command) -> tuple[Any, ...]:
        if "group" not in asked(container, command):
            asked_for.set()
            assert may_answer.wait(10)
        return solve(container, command)

    needing.script(SOLVER, slowly)
    with ThreadPoolExecutor() as threads:
        run = threads.submit(needing.run)
        assert asked_for.wait(10)
        assert len(needing.manager.find({labels.ROLE: "build"})) == 1
        may_answer.set()
        with pytest.raises(BuildFailed):
            run.result()
