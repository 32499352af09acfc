"""What goes from the cache of downloads, and what does not."""

import os
import threading
from pathlib import Path

from koji_adjutant.buildroot.install.download_removal import (
    SETTLING_SECONDS,
    prune_downloads,
    remove_abandoned,
)
from koji_adjutant.buildroot.install.downloads import locked
from tests.waiting import eventually

NOW = 1_800_000_000.0
HOUR = 3600.0


def aged(path: Path, hours: float) -> Path:
    when = NOW - hours * HOUR
    os.utime(path, (when, when))
    return path


def package(cache: Path, name: str, hours: float, size: int = 100) -> Path:
    path = cache / "packages" / name[:2] / name / f"{name}.rpm"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * size)
    return aged(path, hours)


def solution(cache: Path, name: str, hours: float) -> Path:
    path = cache / "solutions" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * 100)
    return aged(path, hours)


def metadata(cache: Path, digest: str, hours: float) -> Path:
    directory = cache / "metadata" / digest
    (directory / "repodata").mkdir(parents=True)
    (directory / "repodata" / "primary-x").write_bytes(b"x" * 60)
    (directory / "solver-0").mkdir()
    (directory / "solver-0" / "build.solv").write_bytes(b"x" * 40)
    (cache / "metadata" / f"{digest}.lock").touch()
    return aged(directory, hours)


def test_the_least_recently_used_go_until_the_rest_fits(tmp_path: Path) -> None:
    oldest, old = package(tmp_path, "aa01", 9), metadata(tmp_path, "bb02", 8)
    newer, newest = solution(tmp_path, "cc03", 7), package(tmp_path, "dd04", 6)
    assert prune_downloads(tmp_path, 250, NOW) == 200
    assert not oldest.parent.exists()
    assert not old.exists()
    assert not (tmp_path / "metadata" / "bb02.lock").exists()
    assert newer.exists()
    assert newest.exists()
    assert prune_downloads(tmp_path, 250, NOW) == 0
    assert prune_downloads(tmp_path, 0, NOW) == 200


def test_what_was_just_used_stays_whatever_the_limit(tmp_path: Path) -> None:
    used = package(tmp_path, "aa01", (SETTLING_SECONDS - 1) / HOUR)
    assert prune_downloads(tmp_path, 0, NOW) == 0
    assert used.exists()


def test_a_task_keeps_what_it_has_linked(tmp_path: Path) -> None:
    stored, link = package(tmp_path, "aa01", 9), tmp_path / "work.rpm"
    os.link(stored, link)
    prune_downloads(tmp_path, 0, NOW)
    assert link.read_bytes() == b"x" * 100


def test_metadata_that_a_task_holds_stays(tmp_path: Path) -> None:
    held, free = metadata(tmp_path, "aa01", 9), metadata(tmp_path, "bb02", 8)
    with locked(tmp_path / "metadata" / "aa01.lock", exclusive=False):
        assert prune_downloads(tmp_path, 0, NOW) == 100
        assert held.is_dir()
        assert not free.exists()
    assert prune_downloads(tmp_path, 0, NOW) == 100


def is_waited_for(lock: Path) -> bool:
    """Whether somebody waits for a lock on the file: the kernel lists him below its holder, after an arrow."""
    waiting = [line for line in Path("/proc/locks").read_text().splitlines() if " -> FLOCK " in line]
    return any(line.split()[6].endswith(f":{lock.stat().st_ino}") for line in waiting)


def test_who_waits_for_metadata_that_goes_gets_a_lock_that_holds(tmp_path: Path) -> None:
    metadata(tmp_path, "aa01", 9)
    lock = tmp_path / "metadata" / "aa01.lock"
    got = threading.Event()

    def wait() -> None:
        with locked(lock, exclusive=False) as handle:
            assert lock.samefile(f"/proc/self/fd/{handle.fileno()}")
            got.set()

    thread = threading.Thread(target=wait)
    with locked(lock):
        thread.start()
        eventually(lambda: is_waited_for(lock), "it waits")
        lock.unlink()
    thread.join()
    assert got.is_set()


def test_what_killed_tasks_left_goes_and_what_is_written_stays(tmp_path: Path) -> None:
    whole = metadata(tmp_path, "bb02", 0)
    left = [tmp_path / "metadata" / "aa01.partial", whole / ".abc", tmp_path / "partial" / "ff"]
    written = [tmp_path / "metadata" / "cc03.partial", tmp_path / "partial" / "ee"]
    for directory in (left[0], left[1], written[0], tmp_path / "partial"):
        directory.mkdir()
    for file in (left[2], written[1]):
        file.touch()
    with locked(tmp_path / "metadata" / "cc03.lock"), locked(written[1]):
        remove_abandoned(tmp_path)
        assert not [path for path in left if path.exists()]
        assert all(path.exists() for path in (*written, whole))
    assert prune_downloads(tmp_path, 1000) == 0
    assert not [path for path in written if path.exists()]
    assert {path.name for path in (tmp_path / "metadata").iterdir()} == {"bb02", "bb02.lock"}


def test_an_empty_cache_is_no_error(tmp_path: Path) -> None:
    assert prune_downloads(tmp_path, 0) == 0
