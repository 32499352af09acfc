"""Faults of the images for the tags that a host serves."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.changed_images import changed_image
from tests.integration.cli.doctor.faults import FAILURE, Fault, Ground, Table, assert_found

table = Table()
TAG = "doctor-build"
table.configured(
    "an image that nobody has put here",
    check="images.present",
    status=FAILURE,
    says="localhost/nobody:1",
    adjutant={"task_image_default": "localhost/nobody:1"},
)
table.configured(
    "an image of a registry that cannot be reached",
    check="images.present",
    status=FAILURE,
    says="127.0.0.1:9/nobody:1",
    adjutant={"task_image_default": "127.0.0.1:9/nobody:1", "image_pull_policy": "missing"},
)


@contextmanager
def policy(ground: Ground, said: str) -> Iterator[None]:
    """A tag that builds are made for, with an image policy."""
    session, arch = ground.testbed.session, ground.testbed.description.arch
    session.createTag(TAG, arches=arch, extra={"adjutant_image_policy": said})
    session.createBuildTarget("doctor", TAG, TAG)
    try:
        yield
    finally:
        session.deleteBuildTarget("doctor")
        session.deleteTag(TAG)


@table.fault("an image policy that is none", check="images.policy", status=FAILURE, says=TAG)
def _(ground: Ground) -> Iterator[None]:
    with policy(ground, '{"version": "1.0", "rules": [{"type": "tga"}]}'):
        yield


@table.fault(
    "a policy with an image that is not here", check="images.present", status=FAILURE, says=f"for {TAG}"
)
def _(ground: Ground) -> Iterator[None]:
    rule = {"type": "default", "image": "localhost/of-the-policy:1"}
    with policy(ground, json.dumps({"version": "1.0", "rules": [rule]})):
        yield


@table.fault(
    "an image without createrepo_c", check="images.programs", status=FAILURE, says="lacks createrepo_c"
)
def _(ground: Ground) -> Iterator[None]:
    with changed_image(ground.testbed, 'rm "$(type -P createrepo_c)"') as image:
        ground.configure(adjutant={"task_image_default": image})
        yield


@pytest.mark.parametrize("fault", table.faults, ids=str)
def test_a_fault_is_found(ground: Ground, fault: Fault) -> None:
    assert_found(ground, fault)
