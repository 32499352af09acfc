"""A plugin of pytest: each file of tests is one test, that does nothing, and nothing is imported."""

from collections.abc import Iterator
from pathlib import Path

import pytest


class _File(pytest.Item):
    def runtest(self) -> None:
        return


class _Module(pytest.File):
    def collect(self) -> Iterator[_File]:
        yield _File.from_parent(self, name="file")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector:
    return _Module.from_parent(parent, path=module_path)
