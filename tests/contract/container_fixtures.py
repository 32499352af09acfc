"""The engine under test: the fake, then the real one."""

from collections.abc import Iterator

import pytest

from koji_adjutant.container.interface import ContainerManager
from tests.contract.containers import IMAGE, FakeSubject, PodmanSubject, Subject
from tests.fakes.containers import FakeContainerManager


@pytest.fixture(params=["fake", pytest.param("podman", marks=pytest.mark.podman)])
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeContainerManager()
        fake.add_image(IMAGE)
        yield FakeSubject(fake)
    else:
        request.getfixturevalue("contract_image")
        yield PodmanSubject(request.getfixturevalue("manager"))


@pytest.fixture
def manager_of(subject: Subject) -> ContainerManager:
    return subject.manager
