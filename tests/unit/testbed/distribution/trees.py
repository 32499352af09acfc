"""Unpacked packages of a distribution, and the recipe that shapes them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from koji_adjutant.testbed.distribution.recipe import Recipe, RootLayout, read_recipe, read_root_layout
from koji_adjutant.testbed.distribution.trees import Tree, paths_below


@pytest.fixture
def recipe() -> Recipe:
    """The distribution's, with one entry of each kind."""
    return dataclasses.replace(
        read_recipe(),
        dropped=frozenset(["dash"]),
        names={"g++": "gcc-c++"},
        provides={"tool": ("own",)},
        requires={"tool": ("said",)},
        scriptlets={"tool": "%post\ntrue\n"},
    )


@pytest.fixture
def layout() -> RootLayout:
    return dataclasses.replace(
        read_root_layout(), directories={"/": 0o755, "/usr": 0o755}, links={"/bin": "usr/bin"}, files={}
    )


def tree(root: Path, fields: Mapping[str, str], *files: str, commands: tuple[str, ...] = ()) -> Tree:
    for file in files:
        path = root / fields["Package"] / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
    where = root / fields["Package"]
    where.mkdir(exist_ok=True)
    full = {"Version": "1.0-1", "Architecture": "amd64", "Description": "a tool\nIn short\n.\nlong", **fields}
    return Tree(
        root=where,
        fields=full,
        paths=paths_below(where),
        commands=commands,
        conffiles=frozenset(["/etc/tool.conf"]),
    )
