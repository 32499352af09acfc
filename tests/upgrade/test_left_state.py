"""State, journal, caches and labels of commit ca414e2, read by this version."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.keys import KIND_LABEL, PACKAGES_LABEL, RPMDB_LABEL, image_name
from koji_adjutant.buildroot.images.requests import ImageRequest
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.buildroot.install.solutions import SolutionCache
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.daemon.public.directory import make_readable
from koji_adjutant.daemon.tasks.state import StateDirectory
from koji_adjutant.host.files import boot_id
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import HostEvent, Phase
from koji_adjutant.journal.reader import read
from koji_adjutant.journal.state import TaskState, read_main, read_readiness, read_task, task_file
from koji_adjutant.plugins import record

WORKER = "22995236bf8c"
BUILD, BUILD_ARCH = 25, 27


@pytest.fixture
def state(left_state: Path, tmp_path: Path) -> StateDirectory:
    return StateDirectory(shutil.copytree(left_state, tmp_path / "state"))


def test_running_tasks_are_known_with_their_containers(
    state: StateDirectory, left_containers: list[dict[str, Any]]
) -> None:
    found = {task.task: task for task in state.tasks()}
    assert len(list(state.all())) == 2
    assert {number: task.method for number, task in found.items()} == {
        BUILD: "build",
        BUILD_ARCH: "buildArch",
    }
    assert found[BUILD_ARCH].containers == (left_containers[0]["Id"],)
    assert found[BUILD_ARCH].session == 37
    assert not any(task.is_alive() or task.has_reported for task in found.values())


def test_the_worker_keeps_its_name_and_finds_its_containers(
    state: StateDirectory, left_containers: list[dict[str, Any]]
) -> None:
    assert state.worker() == WORKER
    owner = labels.Owner(
        worker=WORKER, task_id=BUILD_ARCH, buildroot_id=16, build_tag="dist-md-build", arch="x86_64"
    )
    (container,) = left_containers
    assert dict(owner.labels(labels.Role.BUILD)).items() <= container["Labels"].items()
    assert container["Name"].startswith(labels.names_of(WORKER))


def test_the_daemon_that_left_it_is_not_taken_for_a_running_one(state: StateDirectory) -> None:
    assert not state.has_main()
    state.lock()
    assert state.has_main()
    state.unlock()


def test_every_line_of_the_journal_is_read(state: StateDirectory) -> None:
    reading = read(state.journal)
    events = reading.events
    assert not reading.skipped
    assert len(events) == len(state.journal.read_text().splitlines())
    assert {event.name for event in events} <= {phase.value for phase in Phase}
    failed = [event.task for event in events if event.name == Phase.FAILED.value]
    assert failed
    assert all(event.since_boot is None for event in events)


def test_the_journal_goes_on_after_its_last_line(state: StateDirectory) -> None:
    before = read(state.journal).events
    FileJournal(state.journal).record(HostEvent.READY)
    *old, new = read(state.journal).events
    assert tuple(old) == before
    assert (new.name, new.boot_id) == ("ready", boot_id())


def test_state_files_are_read_without_the_daemon(left_state: Path) -> None:
    found = read_task(task_file(left_state, BUILD_ARCH))
    assert isinstance(found, TaskState)
    assert (found.method, found.phase, found.is_alive()) == ("buildArch", "rpmbuild-started", False)
    main = read_main(left_state)
    assert main is not None
    assert not main.is_alive()
    assert read_readiness(left_state) is None


def test_a_daemon_that_has_left_no_word_of_plugins_has_them_all(state: StateDirectory) -> None:
    assert record.read(state.path) == {}


def test_requests_for_images_are_read(state: StateDirectory) -> None:
    files = sorted((state.path / "cache" / "image-requests").glob("*.json"))
    assert len(files) == 4
    for file in files:
        request = ImageRequest.load(file)
        assert request is not None
        assert request.key == file.stem
        assert request.kind == "requires"
        assert request.packages


def test_solutions_of_another_solver_are_not_used(state: StateDirectory) -> None:
    kept = SolutionCache(state.path / "cache")
    keys = [path.stem for path in kept.directory.glob("*.json")]
    assert keys
    assert not any(kept.get(key) for key in keys)


def test_uses_of_images_are_read(state: StateDirectory) -> None:
    records = {record.key: record for record in UsageRecords(state.path / "cache").all()}
    assert len(records) == 6
    assert sorted(record.kind for record in records.values()) == ["base"] * 2 + ["requires"] * 4
    assert all(record.tags[0].tag_name == "dist-md-build" for record in records.values())


def test_images_have_the_names_and_labels_that_tasks_look_for(left_images: list[dict[str, Any]]) -> None:
    of_roots = [image for image in left_images if (image["Labels"] or {}).get(labels.KEY)]
    assert len(of_roots) == 6
    for image in of_roots:
        assert image["Names"] == [image_name(image["Labels"][labels.KEY])]
        assert image["Labels"][KIND_LABEL] in {"base", "requires"}
        assert image["Labels"].keys() >= {PACKAGES_LABEL, RPMDB_LABEL, labels.WORKER, labels.GROUP}


def test_a_group_may_read_the_journal_and_nothing_that_was_there_else(state: StateDirectory) -> None:
    config = Config(server="http://hub", topurls=("http://hub/files",), state_dir=state.path)
    make_readable(config)
    assert state.path.stat().st_mode & 0o777 == 0o710
    open_to_others = {path.name for path in state.path.iterdir() if path.stat().st_mode & 0o077}
    assert open_to_others
    assert all(name.startswith("journal") for name in open_to_others)
