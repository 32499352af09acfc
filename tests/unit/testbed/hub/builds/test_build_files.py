"""Where the files of a finished build go."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.builds.attempt import Attempt
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


def test_files_move_and_leave_links(
    hub: ContentHub, admin: Caller, attempt: Attempt, logs: list[Path], hello: Built
) -> None:
    paths = hub.upload(attempt.task_id, *logs)
    attempt.complete(logs={"x86_64": paths})
    directory = hub.topdir / "packages" / "hello" / "1.0" / "1"
    moved = {
        attempt.srpm: directory / "src" / hello.srpm.name,
        attempt.rpms[0]: directory / "noarch" / hello.rpms[0].name,
        paths[0]: directory / "data" / "logs" / "x86_64" / "build.log",
    }
    for left, there in moved.items():
        link = hub.topdir / "work" / left
        assert link.is_symlink()
        assert link.resolve() == there.resolve()
        assert not there.is_symlink()
    assert (directory / "noarch" / hello.rpms[0].name).read_bytes() == hello.rpms[0].read_bytes()
    assert admin.getBuildLogs(hello.nvr) == [
        {
            "name": name,
            "dir": "x86_64",
            "path": f"packages/hello/1.0/1/data/logs/x86_64/{name}",
        }
        for name in ("build.log", "root.log")
    ]
    assert admin.getChangelogEntries(hello.nvr)[0]["text"] == "- Packaged"
