"""What holds code of packages in, around the engine: a ContainerManager that puts it on the containers made through it.

That is a seccomp profile and, where there is one, a user namespace. Containers of other roles are left as they are.
Holds nothing of its own.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, IdMap, LogSink

ROLES = frozenset({labels.Role.BUILD.value, labels.Role.INSTALLER.value, labels.Role.IMAGE.value})


@dataclass(frozen=True, kw_only=True)
class Containment:
    """What is put on a container, and what mock_config.log says of it. Empty values are the engine's own."""

    seccomp_profile: str = ""
    """Path, as the engine sees it."""
    id_map: IdMap | None = None
    notes: tuple[tuple[str, str], ...] = ()


class ContainedManager:
    """See the module; what it does not define is the engine's."""

    def __init__(self, engine: ContainerManager, containment: Containment) -> None:
        self._engine = engine
        self._containment = containment

    @property
    def manager(self) -> ContainerManager:
        """This, by its type: most of it is there by `__getattr__` alone."""
        return cast("ContainerManager", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def create(self, spec: ContainerSpec) -> str:
        return self._engine.create(self._contained(spec))

    def created(self, spec: ContainerSpec) -> AbstractContextManager[str]:
        return self._engine.created(self._contained(spec))

    @contextmanager
    def running(self, spec: ContainerSpec) -> Iterator[str]:
        with self._engine.running(self._contained(spec)) as container:
            yield container

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        return self._engine.run(self._contained(spec), sink, timeout=timeout)

    def _contained(self, spec: ContainerSpec) -> ContainerSpec:
        if spec.labels.get(labels.ROLE) not in ROLES:
            return spec
        ours = self._containment
        return replace(
            spec,
            seccomp_profile=spec.seccomp_profile or ours.seccomp_profile,
            id_map=spec.id_map or ours.id_map,
        )
