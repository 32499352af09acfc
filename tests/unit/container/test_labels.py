"""Labels: whose a container is, and what it does."""

import pytest

from koji_adjutant.container.labels import (
    ARCH,
    BUILDROOT,
    PREFIX,
    ROLE,
    TAG,
    TASK,
    WORKER,
    Owner,
    Role,
    names_of,
)


def test_all_that_is_known_of_an_owner() -> None:
    owner = Owner(worker="w", task_id=7, buildroot_id=3, build_tag="dist-build", arch="x86_64")
    expected = {WORKER: "w", ROLE: "build", TASK: "7", BUILDROOT: "3", TAG: "dist-build", ARCH: "x86_64"}
    assert owner.labels(Role.BUILD) == expected
    assert all(key.startswith(PREFIX) for key in expected)


def test_what_is_not_known_is_no_label() -> None:
    assert Owner(worker="w").labels(Role.IMAGE) == {WORKER: "w", ROLE: "image"}


def test_a_number_0_is_one() -> None:
    assert Owner(worker="w", task_id=0).labels(Role.TOOL)[TASK] == "0"


@pytest.mark.parametrize(("worker", "begins"), [("w1", "adjutant-w1-"), ("", "adjutant-")])
def test_names_of_a_worker(worker: str, begins: str) -> None:
    assert names_of(worker) == begins
    assert not names_of("w1").startswith(names_of("w"))
