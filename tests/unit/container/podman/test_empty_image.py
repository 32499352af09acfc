"""The image with nothing in it but a directory for /proc."""

import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from koji_adjutant.container.podman.empty_image import empty_archive


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member))}


def test_it_is_the_same_to_the_last_byte() -> None:
    assert empty_archive("localhost/empty:1") == empty_archive("localhost/empty:1")


def test_its_parts_are_what_their_names_say() -> None:
    found = members(empty_archive("localhost/empty:1", "x86_64"))
    (manifest,) = json.loads(found["manifest.json"])
    assert manifest["RepoTags"] == ["localhost/empty:1"]
    config: Any = json.loads(found[manifest["Config"]])
    assert manifest["Config"] == f"{hashlib.sha256(found[manifest['Config']]).hexdigest()}.json"
    (layer,) = manifest["Layers"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(found[layer]).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(found[layer])) as tar:
        assert [(member.name, member.isdir(), member.mode) for member in tar] == [("proc", True, 0o555)]


@pytest.mark.parametrize(("machine", "go"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("s390x", "s390x")])
def test_the_machine_has_the_name_that_engines_know(machine: str, go: str) -> None:
    found = members(empty_archive("i", machine))
    (config,) = (json.loads(data) for name, data in found.items() if len(name) > 60)
    assert (config["architecture"], config["os"]) == (go, "linux")
