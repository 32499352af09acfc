"""Plugins as files: found, imported, and what is said of one that cannot be."""

from pathlib import Path

import pytest

from tests.unit.plugins.plugin_files import BUILT_IN, ON, TASK, loaded, registered


def test_a_good_plugin(directory: Path) -> None:
    text = TASK.format(methods=["own", "tagBuild"]) + ON.format(names="'postCreateRepo'") + "print('hello')\n"
    methods = loaded(directory, good=text)
    assert methods.outages.found == ()
    assert methods.served.keys() == BUILT_IN | {"own"}
    assert methods.served["tagBuild"].__name__ == "Task"
    assert registered("postCreateRepo") == ["check"]


def test_a_plugin_that_is_a_directory(directory: Path) -> None:
    (directory / "bad.py").mkdir()
    methods = loaded(directory, "bad")
    assert "there is no bad.py in" in methods.outages.found[0].problem.what


def test_a_plugin_that_may_not_be_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    (directory / "bad.py").write_text(ON.format(names="'preImport'"))
    monkeypatch.setattr("importlib.machinery.SourceFileLoader.get_data", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    (outage,) = loaded(directory, "bad").outages.found
    assert "PermissionError" in outage.problem.what
    assert outage.gaps == ("it cannot be read: Permission denied",)
    assert outage.methods == ("buildSRPMFromSCM", "createrepo")


def test_a_plugin_that_is_named_twice_is_loaded_once(directory: Path) -> None:
    loaded(directory, "good", "good", good=ON.format(names="'postCreateRepo'"))
    assert registered("postCreateRepo") == ["check"]


def test_what_is_said_is_one_line(directory: Path) -> None:
    (outage,) = loaded(directory, bad="raise ValueError('one\\ntwo\\x1b[31m' + 1000 * 'x')\n").outages.found
    assert "ValueError in line 1: one two\\x1b[31mxxx" in outage.problem.what
    assert len(outage.problem.what) < 400
    assert len(str(outage).splitlines()) == 1
