"""Images that are another with something changed in it; each lasts as long as its block."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.container.programs import ROOT_PATH, NullSink
from koji_adjutant.errors import EngineError
from tests.integration.running import Testbed
from tests.waiting import eventually


@contextmanager
def changed_image(testbed: Testbed, script: str, name: str = "localhost/changed:1") -> Iterator[str]:
    """The task image after a script has run in it."""
    with closing(PodmanManager(testbed.engine.socket, testbed.config.container_timeouts)) as manager:
        spec = ContainerSpec(
            image=testbed.description.task_image,
            command=("/bin/bash", "-c", "sleep 100"),
            labels={},
            environment={"PATH": ROOT_PATH},
        )
        try:
            with manager.created(spec) as container:
                manager.start(container)
                argv = ["/bin/bash", "-c", f"set -e; {script}"]
                assert manager.exec(container, argv, NullSink(), environment={"PATH": ROOT_PATH}) == 0
                manager.commit(container, name, {})
            yield name
        finally:
            eventually(lambda: removed(manager, name), f"{name} is removed")


def removed(manager: PodmanManager, name: str) -> bool:
    """Whether it could be: what was made of it may be on its way out."""
    with suppress(EngineError):
        return manager.remove_image(name)
    return False
