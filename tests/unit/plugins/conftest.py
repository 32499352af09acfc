"""Koji's own table of callbacks is the process'; a test leaves it, and the modules, as they were."""

import sys
from collections.abc import Iterator

import koji.plugin
import pytest

from koji_adjutant.plugins.loader import PREFIX
from tests.unit.plugins.plugin_files import directory

__all__ = ["clean_process", "directory"]


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    callbacks = {kind: list(found) for kind, found in koji.plugin.callbacks.items()}
    yield
    koji.plugin.callbacks.clear()
    koji.plugin.callbacks.update(callbacks)
    for name in [name for name in sys.modules if name.startswith(PREFIX)]:
        del sys.modules[name]
