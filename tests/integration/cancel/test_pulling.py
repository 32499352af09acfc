"""A build is canceled while its task image is pulled, from a registry that does not come to an end."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import koji
import pytest

from tests.fakes.registry import Registry
from tests.integration.cancel.conftest import PULLING, Sources, set_image
from tests.integration.cancel.measure import Watch
from tests.integration.cancel.test_cancel import canceled, quick
from tests.integration.running import Testbed
from tests.waiting import eventually

pytestmark = [pytest.mark.podman, pytest.mark.timing]

OPEN = koji.TASK_STATES["OPEN"]
SETTINGS = ".config/containers/registries.conf"
SERVICE_SECONDS = 20.0


class SlowRegistry(Registry):
    """Lets nobody have a layer until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.waiting = threading.Event()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if "/blobs/" in request.path:
            self.waiting.set()
            self.released.wait()
        try:
            super().answer(request)
        except OSError:
            # The engine has gone away meanwhile, as it should.
            return


@pytest.fixture
def registry(testbed: Testbed) -> Iterator[SlowRegistry]:
    """One that the testbed's engine may talk plain HTTP to; the service reads its settings when it starts."""
    settings = testbed.engine.home / SETTINGS
    with SlowRegistry() as made:
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(f'[[registry]]\nlocation = "{made.host}"\ninsecure = true\n')
        start_anew(testbed)
        try:
            yield made
        finally:
            made.released.set()
            settings.unlink()


def start_anew(testbed: Testbed) -> None:
    service = testbed.engine.service()
    assert service
    service.end(SERVICE_SECONDS)
    testbed.engine.serve()


def test_pulling(testbed: Testbed, sources: Sources, watch: Watch, registry: SlowRegistry) -> None:
    registry.publish("slow", "1", "text")
    image = f"{registry.host}/slow:1"
    set_image(testbed.session, PULLING, image)
    testbed.regenerate(PULLING)
    parent = sources.build("pulls", target=PULLING)
    task = watch.running(watch.child(parent))

    def is_asked() -> bool:
        state = testbed.session.getTaskInfo(task.task)["state"]
        assert state == OPEN, testbed.fault(task.task)
        return registry.waiting.is_set()

    eventually(is_asked, "the registry is asked")
    quick(watch.end("pulling", lambda: testbed.session.cancelTask(parent), task))
    canceled(testbed, parent, task.task)
    registry.released.set()
    assert not watch.manager.has_image(image)
