"""The build and tagBuild handlers call the hub as kojid was recorded to call it."""

from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.handlers.build.build import BuildTask
from tests.unit.handlers.conftest import MakeHandler, MakeSrpm
from tests.unit.handlers.replay import ReplaySession, recorded


@pytest.fixture
def hello(make_srpm: MakeSrpm, files: Path) -> str:
    """The source package that rebuildSRPM made in the recorded builds."""
    name = "hello-md-1.0-1.md1.src.rpm"
    for task in (28, 31):
        make_srpm(files / f"work/tasks/{task}/{task}/{name}", "hello-md")
    return name


def source_of(calls: list[dict[str, Any]]) -> str:
    return str(next(call["args"][1]["source"] for call in calls if call["call"] == "host.assertPolicy"))


@pytest.mark.parametrize(
    ("name", "task", "opts"), [("build", 30, {}), ("scratch_build", 27, {"scratch": True})]
)
def test_build_as_recorded(
    make_handler: MakeHandler, hello: str, name: str, task: int, opts: dict[str, Any]
) -> None:
    calls = recorded(name)
    session = ReplaySession(calls)
    assert make_handler(BuildTask, task, [source_of(calls), "dist-md", opts], session).run() is None
    assert session.finished()


def test_failing_build_as_recorded(make_handler: MakeHandler, make_srpm: MakeSrpm, files: Path) -> None:
    calls = recorded("failing_build")
    session = ReplaySession(calls)
    make_srpm(files / "work/tasks/36/36/failing-md-1.0-1.md1.src.rpm", "failing-md")
    with pytest.raises(koji.BuildError, match=r"error building package \(arch x86_64\)"):
        make_handler(BuildTask, 34, [source_of(calls), "dist-md"], session).run()
    assert session.finished()
