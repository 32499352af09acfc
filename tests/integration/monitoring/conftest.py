"""A server of a host with a past, for the tests of a file that change nothing."""

from collections.abc import Iterator

import pytest

from tests.fakes.journals import Sample, write_sample
from tests.status_server import Server, running_server


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def server(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(sample.state_dir, tmp_path_factory.mktemp("own")) as found:
        yield found
