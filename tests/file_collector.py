"""A plugin of pytest: each file that has tests is one test, that does nothing, and nothing is imported."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TEST = re.compile(r"^ *def test_", re.MULTILINE)


class _File(pytest.Item):
    def runtest(self) -> None:
        return


class _Module(pytest.File):
    def collect(self) -> Iterator[_File]:
        if TEST.search(self.path.read_text()):
            yield _File.from_parent(self, name="file")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector:
    return _Module.from_parent(parent, path=module_path)
