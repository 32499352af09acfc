"""Serving the distribution to a build, and what decides whether an image is current."""

import dataclasses
import urllib.request
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution.distribution import Distribution
from koji_adjutant.testbed.distribution.task_image import (
    CONTAINERFILE,
    Podman,
    content_of_image,
    make_task_image,
    served,
)
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS


@pytest.fixture
def made(tmp_path: Path) -> Distribution:
    return Distribution(
        directory=tmp_path,
        repo=tmp_path / "repo",
        srpms={},
        comps=tmp_path / "comps.xml",
        digest="abc",
        tools=HOST_TOOLS,
    )


def test_directory_is_served_on_loopback(tmp_path: Path) -> None:
    (tmp_path / "repomd.xml").write_text("metadata")
    with served(tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}repomd.xml") as answer:
            assert answer.read() == b"metadata"


def test_image_is_of_distribution_recipe_and_name(made: Distribution, tmp_path: Path) -> None:
    other_recipe = tmp_path / "Containerfile"
    other_recipe.write_text("FROM nothing\n")
    contents = {
        content_of_image(made, CONTAINERFILE, "a"),
        content_of_image(made, CONTAINERFILE, "b"),
        content_of_image(made, other_recipe, "a"),
        content_of_image(dataclasses.replace(made, digest="def"), CONTAINERFILE, "a"),
    }
    assert len(contents) == 4
    assert content_of_image(made, CONTAINERFILE, "a") in contents


def test_missing_recipe_is_named(made: Distribution, tmp_path: Path) -> None:
    podman = Podman(socket=tmp_path / "podman.sock", environment={})
    with pytest.raises(ConfigError, match="Containerfile is missing"):
        make_task_image(made, podman, print, containerfile=tmp_path / "Containerfile")


def test_containerfile_has_production_defaults_and_no_compiler() -> None:
    text = CONTAINERFILE.read_text()
    assert "ARG BASE_IMAGE=docker.io/library/almalinux:10\n" in text
    assert 'ARG PACKAGE_SOURCE=""\n' in text
    assert 'ARG MORE_PACKAGES=""\n' in text
    assert "gcc" not in text
