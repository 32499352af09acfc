"""The layer that holds code of packages in: on whom it puts what."""

import pytest

from koji_adjutant.container.interface import ContainerSpec, IdMap
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.guards.confinement import ConfinedContainers, Containment, confined_spec
from tests.fakes.containers import FakeContainerManager, running


@pytest.mark.parametrize(
    ("role", "is_contained"),
    [
        (Role.BUILD, True),
        (Role.INSTALLER, True),
        (Role.IMAGE, True),
        (Role.SOLVER, False),
        (Role.TOOL, False),
    ],
)
def test_what_it_is_put_on(role: Role, is_contained: bool) -> None:
    engine = FakeContainerManager()
    engine.add_image("i:1")
    ours = Containment(seccomp_profile="/p.json", id_map=IdMap(first=1000))
    layer = ConfinedContainers(engine, ours)
    spec = ContainerSpec(image="i:1", command=("/bin/true",), labels=Owner(worker="w").labels(role))
    with layer.created(spec) as one, running(layer, spec) as other:
        third = layer.create(spec)
        for container in (one, other, third):
            made = engine.container(container).spec
            found = (made.seccomp_profile, made.id_map)
            assert found == (("/p.json", IdMap(first=1000)) if is_contained else ("", None))
        layer.remove(third)


def test_what_a_container_asks_for_itself_stays() -> None:
    ours = Containment(seccomp_profile="/p.json", id_map=IdMap(first=1000))
    own = ContainerSpec(
        image="i:1", command=("c",), labels={}, seccomp_profile="/own.json", id_map=IdMap(first=9)
    )
    assert confined_spec(own, ours) == own
    assert confined_spec(own, Containment()) == own
