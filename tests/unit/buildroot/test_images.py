"""Buildroot images: made on request, found by key, and no more of them than are of use."""

import hashlib
from pathlib import Path

import pytest

from koji_adjutant.buildroot.image_maker import make_image, remove_unfinished
from koji_adjutant.buildroot.images import (
    PACKAGES_LABEL,
    ImageRequest,
    find_image,
    packages_digest,
    pending_requests,
    requests_directory,
)
from koji_adjutant.buildroot.installer import SCRIPT
from koji_adjutant.buildroot.package_store import SolvedPackage
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.journal import NullJournal
from tests.fakes.containers import CommandResult, FakeContainerManager

INSTALL = ("/bin/bash", "-c", SCRIPT.read_text())
CONTENT = b"package"
PACKAGE = SolvedPackage(
    nevra="bash-5-1.x86_64",
    size=len(CONTENT),
    checksum_kind="sha256",
    checksum=hashlib.sha256(CONTENT).hexdigest(),
    file="packages/bash-5-1.x86_64.rpm",
)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    cache = tmp_path / "cache"
    (cache / "packages").mkdir(parents=True)
    (cache / PACKAGE.file).write_bytes(CONTENT)
    return Config(
        server="http://127.0.0.1/kojihub",
        topurls=("http://127.0.0.1/kojifiles",),
        state_dir=tmp_path / "state",
        cache_dir=cache,
    )


@pytest.fixture
def manager() -> FakeContainerManager:
    fake = FakeContainerManager({INSTALL: CommandResult()})
    for reference in ("localhost/task", "localhost/koji-adjutant-empty:1"):
        image = fake.add_image(reference)
        fake._images[image.id] = image
    return fake


def request(config: Config, key: str = "k" * 64) -> Path:
    wanted = ImageRequest(
        key=key,
        task_image="localhost/task",
        tag_name="dist-build",
        repo_id=7,
        arch="x86_64",
        group="build",
        packages=(PACKAGE,),
        contents=packages_digest([PACKAGE.nevra]),
    )
    wanted.save(requests_directory(config))
    return requests_directory(config) / f"{key}.json"


def make(path: Path, manager: FakeContainerManager, config: Config) -> None:
    make_image(path, manager, config, "w", NullJournal())


def test_an_image_is_found_by_its_key_and_says_what_is_in_it(
    config: Config, manager: FakeContainerManager
) -> None:
    path = request(config)
    assert list(pending_requests(config)) == [path]
    make(path, manager, config)
    image = find_image(manager, "k" * 64)
    assert image is not None
    assert image.labels[labels.TAG] == "dist-build"
    assert image.labels[PACKAGES_LABEL] == packages_digest(["bash-5-1.x86_64"])
    assert list(pending_requests(config)) == []
    assert manager.find({}) == ()
    assert list(config.cache_dir.glob("image-*-*")) == []


def test_its_container_is_never_started(config: Config, manager: FakeContainerManager) -> None:
    make(request(config), manager, config)
    assert [command.argv[:3] for command in manager.commands] == [INSTALL]


def test_an_image_that_is_there_is_not_made_again(config: Config, manager: FakeContainerManager) -> None:
    make(request(config), manager, config)
    manager.specs.clear()
    make(request(config), manager, config)
    assert manager.specs == []


def test_a_failing_installation_leaves_nothing(config: Config, manager: FakeContainerManager) -> None:
    manager.script(INSTALL, CommandResult(exit_code=1))
    with pytest.raises(BuildrootFailed, match="repo 7 cannot be populated"):
        make(request(config), manager, config)
    assert find_image(manager, "k" * 64) is None
    assert manager.find({}) == ()
    assert list(pending_requests(config)) == []
    assert list(config.cache_dir.glob("image-*-*")) == []


def test_what_a_dead_helper_left_is_removed_and_anothers_is_not(config: Config) -> None:
    for worker in ("w", "other"):
        (config.cache_dir / f"image-{worker}-1" / "packages").mkdir(parents=True)
    remove_unfinished(config, "w")
    assert [path.name for path in config.cache_dir.glob("image-*-*")] == ["image-other-1"]
