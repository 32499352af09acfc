"""A host as commit ca414e2 left it: its state directory with the cache in it, and the labels that the engine had.

Taken from a testbed in the middle of a build of `long`, after builds of hello, needsdeps (twice), dynreqs and a
failing one; requests for images of BuildRequires are from half a minute before. Packages in the cache are left out.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent / "ca414e2"


@pytest.fixture(scope="session")
def left_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory, to be read only."""
    directory = tmp_path_factory.mktemp("ca414e2")
    subprocess.run(["tar", "-xJf", str(ROOT / "state.tar.xz"), "-C", str(directory)], check=True)
    return directory


@pytest.fixture(scope="session")
def left_containers() -> list[dict[str, Any]]:
    """Id, Name and Labels of each container."""
    return list(json.loads((ROOT / "containers.json").read_text()))


@pytest.fixture(scope="session")
def left_images() -> list[dict[str, Any]]:
    """Id, Names, Labels, Size and Created of each image."""
    return list(json.loads((ROOT / "images.json").read_text()))
