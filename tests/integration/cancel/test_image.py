"""An image is being made: a build is canceled meanwhile, and nobody ever sees half of the image."""

from contextlib import suppress

import pytest

from koji_adjutant.buildroot.images.keys import REPOSITORY, UNVERIFIED
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.errors import EngineError
from koji_adjutant.testbed.tasks import Task, family, wait_task
from tests.integration.cancel.conftest import WITH_MARKER, Sources
from tests.integration.cancel.measure import Watch
from tests.integration.cancel.test_cancel import TREE, canceled, quick
from tests.integration.running import Testbed
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.timing]

IMAGE_SECONDS = 90.0
LISTINGS = 10


def names(testbed: Testbed, repository: str) -> frozenset[str]:
    """Images of that name."""
    for _ in range(LISTINGS):
        # Podman stumbles over images that go while it lists them.
        with suppress(EngineError):
            listed = testbed.engine.podman("images", "--format={{.Repository}}:{{.Tag}}").split()
            break
    else:
        raise AssertionError("podman does not list images")
    return frozenset(name for name in listed if name.startswith(f"{repository}:"))


def packages(testbed: Testbed, image: str) -> int:
    run = ("run", "--rm", "--network=none", "--user=0:0", image)
    return len(testbed.engine.podman(*run, "rpm", "-qa").splitlines())


def test_making_an_image(testbed: Testbed, sources: Sources, watch: Watch) -> None:
    before = names(testbed, REPOSITORY)
    first = wait_task(testbed.session, sources.build("marked", target=WITH_MARKER))
    assert first.state == "CLOSED"
    eventually(lambda: names(testbed, UNVERIFIED), "half of the image is there")
    parent = sources.build("stubborn-2", body=TREE, target=WITH_MARKER)
    task = watch.running(watch.child(parent))
    eventually(lambda: watch.containers(task.task), "a root is populated beside it")
    quick(watch.end("an image is made", lambda: testbed.session.cancelTask(parent), task))
    canceled(testbed, parent, task.task)
    assert names(testbed, REPOSITORY) == before
    assert any(pending_requests(testbed.config))

    eventually(lambda: names(testbed, REPOSITORY) - before, "the image is made", seconds=IMAGE_SECONDS)
    (made,) = names(testbed, REPOSITORY) - before
    assert packages(testbed, made) == expected(testbed, first)
    eventually(lambda: not names(testbed, UNVERIFIED), "no other name is left")


def expected(testbed: Testbed, build: Task) -> int:
    """Packages of the install group, as the build that populated it has them."""
    task = next(one for one in family(testbed.session, build.id) if one.method == "buildArch")
    return len((testbed.output(task) / "installed_pkgs.log").read_text().splitlines())
