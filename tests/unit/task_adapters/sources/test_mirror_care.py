"""Mirrors are taken over and removed by a helper, which nobody waits for."""

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, LogSink
from koji_adjutant.task_adapters.sources.mirror import MIRROR, Mirrors
from koji_adjutant.task_adapters.sources.mirror_care import INCOMING, MirrorCare, take_over_spec
from tests.scm.git_repository import GitRepository
from tests.unit.task_adapters.sources.mirrored import LARGE, Engine, check_out, mirrored, take_over
from tests.unit.task_adapters.sources.repositories import git


def test_nobody_waits(mirrors: Mirrors, url: str, served: GitRepository, tmp_path: Path) -> None:
    mirrored(mirrors, url, tmp_path / "first")
    served.git("tag", "v1", "main")
    tree = check_out(tmp_path / "first", url, None).tree
    with mirrors.borrowed(url) as one, mirrors.borrowed(url) as two:
        assert one == two != None  # noqa: E711 - both, and one there is
        assert mirrors.leave(url, tree, "image")
        engine = Engine()
        take_over(mirrors, engine)
        assert not engine.specs
        assert MirrorCare(config=mirrors.config).has_incoming()

    class Busy(Engine):
        def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
            with mirrors.borrowed(url) as found:
                assert found is None
            return super().run(spec, sink, timeout=timeout)

    take_over(mirrors, Busy())
    with mirrors.borrowed(url) as found:
        assert found is not None
        assert git(found, "tag") == "v1"


def test_what_cannot_be_taken_over(
    mirrors: Mirrors, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tree = check_out(tmp_path / "first", url, None).tree
    assert mirrors.leave(url, tree, "image")
    take_over(mirrors, Engine(code=1))
    assert "no mirror of http" in caplog.text
    assert "fatal: no" in caplog.text
    assert [path.suffix for path in mirrors.directory.iterdir()] == [".lock"]
    assert mirrors.leave(url, tree, "another")
    take_over(mirrors)
    assert [path.suffix for path in mirrors.directory.iterdir()] == [".lock"]


def test_what_takes_over_sees_nothing_else(mirrors: Mirrors, tmp_path: Path) -> None:
    spec = take_over_spec(mirrors.config, tmp_path / "m", tmp_path / "i", "image", "worker")
    assert (spec.network, spec.capabilities, spec.no_new_privileges) == ("none", frozenset(), True)
    assert [(mount.target, mount.read_only) for mount in spec.mounts] == [(INCOMING, True), (MIRROR, False)]
    (mount,) = mirrors.mounts(tmp_path / "m")
    assert (mount.target, mount.read_only) == (MIRROR, True)
    assert mirrors.mounts(None) == ()


def test_those_that_nobody_used_go_first(mirrors: Mirrors, url: str, tmp_path: Path) -> None:
    urls = [f"{url}?{number}" for number in range(3)]
    tree = check_out(tmp_path / "first", url, None).tree
    for number, each in enumerate(urls):
        assert mirrors.leave(each, tree, "image")
        take_over(mirrors)
        os.utime(mirrors._path(each, "json"), (number, number))
    with mirrors.borrowed(urls[0]):
        pass
    assert MirrorCare(config=mirrors.config).prune() == 0
    room_for_two = MirrorCare(config=replace(mirrors.config, scm_cache_size=int(len(LARGE) * 2.8)))
    with mirrors.borrowed(urls[1]):
        assert room_for_two.prune() > len(LARGE)
    with ExitStack() as stack:
        found = [stack.enter_context(mirrors.borrowed(each)) is not None for each in urls]
    # The second was borrowed from, so it stayed whatever its age.
    assert found == [True, True, False]


def test_what_killed_processes_left(mirrors: Mirrors, tmp_path: Path) -> None:
    mirrors.directory.mkdir(parents=True)
    for name in ("a.git", "b.new-x", "c.new-y"):
        (mirrors.directory / name / "objects").mkdir(parents=True)
    os.utime(mirrors.directory / "b.new-x", (1, 1))
    MirrorCare(config=mirrors.config).prune()
    assert [path.name for path in mirrors.directory.iterdir()] == ["c.new-y"]


def test_a_repository_of_the_other_hash(mirrors: Mirrors, tmp_path: Path) -> None:
    source = tmp_path / "source"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(source))
    (source / "hello.spec").write_text("x")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "x")
    url = f"file://{source}"
    mirror = mirrored(mirrors, url, tmp_path / "first")
    assert check_out(tmp_path / "second", url, mirror).said == f"head {git(source, 'rev-parse', 'HEAD')}"
