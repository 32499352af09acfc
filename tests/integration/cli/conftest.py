"""A host with a past, as its daemon leaves it to others, and the program that looks at it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.journals import Sample, write_sample
from tests.integration.cli.group import given_to_group

PROGRAM = (sys.executable, "-c", "import sys; from koji_adjutant.cli.commands import main; sys.exit(main())")
"""The command, also where it is not installed as a program."""


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[Sample]:
    """Of a daemon of root, where all users can get to it."""
    with given_to_group(write_sample(tmp_path / "state")) as shared:
        yield shared
