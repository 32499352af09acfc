"""Noarch rpms that several architectures have built."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import koji
import pytest

from tests.unit.testbed.hub.builds.attempt import Attempt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import PackageMaker


@pytest.fixture
def two_noarch(
    hub: ContentHub, builder: Caller, packages: PackageMaker
) -> tuple[Attempt, list[int], list[list[str]]]:
    """A build whose noarch rpm two tasks made, with different content."""
    one = packages.make("same", content="one", more="touch %{buildroot}/usr/share/same/extra")
    kept = [path.read_bytes() for path in one.rpms]
    attempt = Attempt(hub, builder, one)
    other = packages.make("same", content="two")
    assert [path.read_bytes() for path in other.rpms] != kept
    tasks = [hub.task(builder, "buildArch"), hub.task(builder, "buildArch")]
    for path, content in zip(other.rpms, kept, strict=True):
        path.with_suffix(".one").write_bytes(content)
    second = hub.upload(tasks[1], *other.rpms)
    for path, content in zip(other.rpms, kept, strict=True):
        path.write_bytes(content)
    return attempt, tasks, [hub.upload(tasks[0], *other.rpms), second]


def test_noarch_rpms_that_differ(two_noarch: tuple[Attempt, list[int], list[list[str]]]) -> None:
    attempt, _tasks, (first, second) = two_noarch
    attempt.rpms = first + second
    with pytest.raises(koji.BuildError, match="built differently on different architectures") as caught:
        attempt.complete()
    assert "same-1.0-1.noarch.rpm" in str(caught.value)
    assert "/usr/share/same/extra" in str(caught.value)
    assert attempt.is_building()


def test_equal_digests_save_the_comparison_and_the_first_is_kept(
    hub: ContentHub, tmp_path: Path, two_noarch: tuple[Attempt, list[int], list[list[str]]]
) -> None:
    attempt, tasks, (first, second) = two_noarch
    logs = {}
    for arch, task_id in zip(("x86_64", "i686"), tasks, strict=True):
        digests = {str(task_id): {"same-1.0-1.noarch.rpm": hashlib.sha256(b"equal").hexdigest()}}
        file = tmp_path / "noarch_rpmdiff.json"
        file.write_text(json.dumps(digests), encoding="utf-8")
        logs[arch] = hub.upload(task_id, file)
    attempt.rpms = first + second
    attempt.complete(logs=logs)
    (rpm,) = hub.admin.listRPMs(buildID=attempt.build_id, arches="noarch")
    assert (hub.topdir / "work" / first[0]).is_symlink()
    assert not (hub.topdir / "work" / second[0]).is_symlink()
    assert rpm["size"] == (hub.topdir / "work" / first[0]).stat().st_size
