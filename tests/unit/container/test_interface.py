"""The protocols of an engine: each is one subject, small enough to be read and to be implemented."""

import inspect

import pytest

from koji_adjutant.container.interface import (
    ContainerFiles,
    ContainerManager,
    ContainerObserver,
    Containers,
    Engine,
    ImageStore,
    LogSink,
)

MOST_VERBS = 15
PARTS = (Containers, ContainerFiles, ImageStore, Engine)
OWNERS_WORDS = frozenset(
    ("ensure_image_available", "create", "start", "stream_logs", "wait", "remove", "run", "exec", "copy_to")
)


def verbs(protocol: type) -> frozenset[str]:
    """What a protocol declares itself."""
    return frozenset(
        name for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_"
    )


@pytest.mark.parametrize("protocol", [ContainerManager, *PARTS, LogSink, ContainerObserver])
def test_no_protocol_is_wide(protocol: type) -> None:
    assert len(verbs(protocol)) <= MOST_VERBS


def test_a_manager_is_the_sum_of_its_parts() -> None:
    assert ContainerManager.__mro__[1:5] == PARTS
    assert not verbs(ContainerManager)
    every = [verb for part in PARTS for verb in verbs(part)]
    assert len(every) == len(set(every))
    assert set(every) >= OWNERS_WORDS
