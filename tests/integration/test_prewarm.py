"""A new repo whose install group has changed: the buildroot is ready before a task needs it."""

from collections.abc import Callable

from koji_adjutant.buildroot.images.cached import CachedImage, cached_images
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.content import BUILD_TAG
from tests.integration.running import Testbed
from tests.waiting import eventually

PATIENCE = 300.0
ADDED = "curl"


def bases(testbed: Testbed) -> dict[tuple[str, str], CachedImage]:
    """Images by package group and newest repo."""
    config = testbed.config
    manager = PodmanManager(str(config.podman_socket), config.container_timeouts)
    try:
        images = cached_images(manager, UsageRecords(config.cache_dir))
    finally:
        manager.close()
    return {
        (cached.record.group, str(repo)): cached
        for cached in images
        for tag in cached.record.tags
        for repo in tag.repo_ids
        if cached.record.kind == "base" and tag.tag_name == BUILD_TAG
    }


def wait_for(testbed: Testbed, is_so: Callable[[dict[tuple[str, str], CachedImage]], bool]) -> None:
    eventually(lambda: is_so(bases(testbed)), lambda: str(bases(testbed).keys()), seconds=PATIENCE, step=1.0)


def test_a_changed_group_is_prepared_for(testbed: Testbed) -> None:
    srpm = testbed.srpm("hello")
    built = testbed.build(srpm, "--scratch")
    assert built.returncode == 0, built.output
    wait_for(testbed, lambda images: any(group == "build" for group, _ in images))
    testbed.session.groupPackageListAdd(BUILD_TAG, "build", ADDED)
    try:
        repo = str(testbed.regenerate())
        wait_for(testbed, lambda images: {("build", repo), ("srpm-build", repo)} <= images.keys())
        prepared = bases(testbed)["build", repo]
        assert (prepared.record.hits, prepared.record.last_used) == (0, 0.0), "no task has used it"
        warm = testbed.build(srpm, "--scratch")
        assert warm.returncode == 0, warm.output
        task = warm.task("buildArch").id
        phases = [event.name for event in testbed.journal() if event.task == task]
        assert "image-ready" in phases
        assert "populated" not in phases
        assert bases(testbed)["build", repo].record.hits == 1
    finally:
        testbed.session.groupPackageListRemove(BUILD_TAG, "build", ADDED)
        testbed.regenerate()
