"""Images under our names that are not what they say: none is ever built in, and a true one takes its place."""

import json
from collections.abc import Mapping

import pytest

from koji_adjutant.buildroot.images.keys import KIND_LABEL, image_name
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.container import labels
from koji_adjutant.journal.phases import Phase
from tests.integration.bad.conftest import Bad
from tests.waiting import eventually

pytestmark = pytest.mark.podman

IMAGE_SECONDS = 120.0


def made(bad: Bad) -> None:
    """Every image that was asked for is there."""
    eventually(
        lambda: not any(pending_requests(bad.testbed.config)), "images are made", seconds=IMAGE_SECONDS
    )


def base_image(bad: Bad) -> str:
    """The name of the image that the tag's builds start from."""
    bad.still_builds()
    made(bad)
    task = bad.still_builds()
    keys = [
        str(event.details["key"])
        for event in bad.testbed.journal()
        if event.task == task.id and event.name == Phase.IMAGE_READY and "key" in event.details
    ]
    name = image_name(keys[0])
    assert inspected(bad, name)[KIND_LABEL] == "base"
    return name


def inspected(bad: Bad, name: str) -> Mapping[str, str]:
    """Id and labels of the image."""
    (row,) = json.loads(bad.testbed.engine.podman("image", "inspect", name))
    return {"Id": row["Id"], **(row["Labels"] or {})}


def packages_of_build(bad: Bad) -> str:
    return (bad.testbed.output(bad.still_builds()) / "installed_pkgs.log").read_text()


def test_another_image_of_the_name(bad: Bad) -> None:
    name = base_image(bad)
    true = inspected(bad, name)
    bad.testbed.engine.podman("tag", bad.testbed.description.task_image, name)
    assert labels.KEY not in inspected(bad, name)
    assert "hostname-" in packages_of_build(bad)
    made(bad)
    assert inspected(bad, name)[labels.KEY] == true[labels.KEY]


def test_an_image_with_other_packages_than_its_key_has(bad: Bad) -> None:
    name = base_image(bad)
    podman = bad.testbed.engine.podman
    podman("run", "--name=spoilt", "--user=0:0", "--network=none", name, "rpm", "-e", "--nodeps", "hostname")
    podman("commit", "--quiet", "spoilt", name)
    podman("rm", "spoilt")
    spoilt = inspected(bad, name)
    assert spoilt[labels.KEY].startswith(name.rpartition(":")[2])
    assert "hostname-" in packages_of_build(bad)
    made(bad)
    assert inspected(bad, name)["Id"] != spoilt["Id"]
    assert "hostname-" in packages_of_build(bad)
