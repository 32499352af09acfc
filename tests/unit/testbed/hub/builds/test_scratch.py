"""Scratch builds: nothing is recorded, files move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


def test_a_scratch_build_only_moves(
    hub: ContentHub, admin: Caller, builder: Caller, logs: list[Path], hello: Built
) -> None:
    task_id = hub.task(builder, owner=hub.user("alice"))
    srpm, rpm = hub.upload(task_id, hello.srpm, *hello.rpms)
    paths = hub.upload(task_id, *logs)
    builder.host.moveBuildToScratch(task_id, srpm, [rpm], logs={"noarch": paths})
    directory = hub.topdir / "scratch" / "alice" / f"task_{task_id}"
    assert {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()} == {
        hello.srpm.name,
        hello.rpms[0].name,
        "logs/noarch/build.log",
        "logs/noarch/root.log",
    }
    for left in (srpm, rpm, *paths):
        assert (hub.topdir / "work" / left).is_symlink()
        assert (hub.topdir / "work" / left).exists()
    assert admin.listBuilds() == []


def test_a_scratch_build_with_a_missing_file_moves_nothing(
    hub: ContentHub, builder: Caller, hello: Built
) -> None:
    task_id = hub.task(builder)
    (srpm,) = hub.upload(task_id, hello.srpm)
    with pytest.raises(koji.GenericError, match="No such file"):
        builder.host.moveBuildToScratch(task_id, srpm, [srpm.replace("src", "noarch")])
    assert not (hub.topdir / "work" / srpm).is_symlink()
