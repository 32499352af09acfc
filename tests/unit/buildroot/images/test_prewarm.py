"""What is worth preparing, and what a preparation leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.buildroot.images.keys import base_key, image_name
from koji_adjutant.buildroot.images.prewarm import Preparation, Root, remove_unfinished, watched_tags
from koji_adjutant.buildroot.images.requests import requests_directory
from koji_adjutant.buildroot.images.usage import TagUse, UsageRecord, UsageRecords
from koji_adjutant.buildroot.install.solutions import Solution, SolvedPackage
from koji_adjutant.buildroot.install.solver import Unsolvable
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host.files import DAY
from koji_adjutant.journal.phases import NullJournal
from tests.fakes.containers import FakeContainerManager

NOW = 1_000_000.0
SETTINGS = BuildrootSettings(
    tag_id=3,
    tag_name="dist-build",
    repo_id=12,
    event_id=1,
    arch="x86_64",
    target_arch="x86_64",
    group="build",
    baseurls=("http://h/repo",),
    macros={},
    environment={},
)


def record(key: str, *tags: TagUse, **changes: Any) -> UsageRecord:
    return UsageRecord(
        **{"key": key, "kind": "base", "arch": "x86_64", "group": "build", "tags": tags, **changes}
    )


def use(tag: int, *repos: int, ago: float = 0.0) -> TagUse:
    return TagUse(tag_name=f"tag{tag}", tag_id=tag, repo_ids=repos, last_used=NOW - ago)


def test_tags_that_tasks_built_for_today() -> None:
    records = (
        record("aa", use(1, 11, 10, ago=60), use(2, 20, ago=30)),
        record("bb", use(1, 12, ago=90)),
        record("cc", use(1, 9, ago=DAY / 2), group="srpm-build"),
        record("dd", use(3, 30, ago=DAY + 1)),
        record("ee", use(0, 40)),
        record("ff", use(4, 50), kind="requires"),
    )
    second, first = watched_tags(records, NOW)
    assert (second.tag_id, first.tag_id, first.last_built) == (2, 1, NOW - 60)
    build, srpm = Root(arch="x86_64", group="build"), Root(arch="x86_64", group="srpm-build")
    assert first.served == {build: frozenset({10, 11, 12}), srpm: frozenset({9})}
    assert first.wants(12) == (srpm,)
    assert first.wants(13) == (build, srpm)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config(server="http://h", topurls=("http://h",), state_dir=tmp_path)
    made.cache_dir.mkdir()
    return made


@pytest.fixture
def manager() -> FakeContainerManager:
    return FakeContainerManager()


@pytest.fixture
def solver(mocker: Any) -> Any:
    mocker.patch("koji_adjutant.buildroot.images.prewarm.read_metadata")
    made = mocker.patch("koji_adjutant.buildroot.images.prewarm.Solver").return_value
    package = SolvedPackage(nevra="bash-5-1.x86_64", size=1, checksum_kind="sha256", checksum="c", file="f")
    made.group.return_value = Solution(install=(package,), remove=frozenset())
    return made


@pytest.fixture
def preparation(config: Config, manager: FakeContainerManager) -> Preparation:
    image = manager.add_image("tools:1")
    return Preparation(
        settings=SETTINGS,
        config=config,
        worker="w",
        task_image=image,
        manager=manager,
        journal=NullJournal(),
        last_built=NOW,
    )


def left(config: Config) -> set[str]:
    return {path.name for path in config.cache_dir.iterdir()} - {"images", "packages", "metadata", "partial"}


def test_an_image_that_is_missing_is_asked_for(preparation: Preparation, config: Config, solver: Any) -> None:
    preparation.run()
    solver.fetch.assert_called_once_with(solver.group.return_value)
    (request,) = requests_directory(config).glob("*.json")
    found = json.loads(request.read_text())
    assert (found["tag_name"], found["repo_id"], found["group"]) == ("dist-build", 12, "build")
    (kept,) = UsageRecords(config.cache_dir).all()
    assert (kept.key, kept.packages, kept.tags[0].repo_ids) == (found["key"], 1, (12,))
    assert left(config) == {"image-requests"}


def test_one_that_is_there_is_not(
    preparation: Preparation, config: Config, manager: FakeContainerManager, solver: Any
) -> None:
    key = base_key(SETTINGS, preparation.task_image, solver.group.return_value)
    manager.add_image(image_name(key), {labels.KEY: key})
    preparation.run()
    solver.fetch.assert_not_called()
    assert left(config) == set()
    assert [one.key for one in UsageRecords(config.cache_dir).all()] == [key]


def test_a_group_that_cannot_be_had(preparation: Preparation, config: Config, solver: Any) -> None:
    solver.group.side_effect = Unsolvable("no bash")
    with pytest.raises(BuildrootFailed, match="group build: no bash"):
        preparation.run()
    solver.group.side_effect = None
    solver.group.return_value = Solution(install=(), remove=frozenset())
    with pytest.raises(BuildrootFailed, match="group build of tag dist-build is empty"):
        preparation.run()
    assert left(config) == set()
    assert list(UsageRecords(config.cache_dir).all()) == []


def test_what_a_killed_helper_leaves_goes(config: Config) -> None:
    for name in ("prewarm-w-abc", "prewarm-other-abc"):
        (config.cache_dir / name / "solver").mkdir(parents=True)
    remove_unfinished(config, "w")
    assert left(config) == {"prewarm-other-abc"}
