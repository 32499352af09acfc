"""What `up` has written down for every later command."""

from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.description import (
    Description,
    cache_directory,
    read_description,
    write_description,
)
from koji_adjutant.testbed.layout import Layout

DESCRIPTION = Description(
    server="http://h/hub",
    topurl="http://h/files",
    topdir="/t",
    arch="x86_64",
    task_image="i",
    external_repo="e",
    srpms={"hello": "/s/hello.src.rpm"},
    engine={"CONTAINERS_CONF": "/c"},
)


def test_it_is_read_as_it_was_written(layout: Layout) -> None:
    write_description(layout, DESCRIPTION)
    assert read_description(layout) == DESCRIPTION


def test_where_nothing_is_up(layout: Layout) -> None:
    with pytest.raises(ConfigError, match=f"no testbed in {layout.directory}") as raised:
        read_description(layout)
    assert "testbed up" in raised.value.hint


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "/home/me/.cache/koji-adjutant"),
        ({"XDG_CACHE_HOME": ""}, "/home/me/.cache/koji-adjutant"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/koji-adjutant"),
    ],
)
def test_what_testbeds_share(environment: dict[str, str], expected: str) -> None:
    assert cache_directory(environment, Path("/home/me")) == Path(expected)
