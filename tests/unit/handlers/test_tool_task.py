"""Which image and limits a task of tools works with, createrepo for one: its tag's policy, asked for once."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ImageInfo, PullPolicy
from koji_adjutant.errors import ImagePullError
from koji_adjutant.handlers.repo.createrepo import CreaterepoTask
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession, recorded
from tests.unit.task_adapters.host_engine import HostEngine
from tests.unit.task_adapters.repos import lay_out_repo

TAG = "dist-md-build"
RULES = [
    {"type": "default", "image": "r/default:1"},
    {"type": "task_type", "task_type": "createrepo", "image": "r/tools:1"},
    {"type": "tag_arch", "tag": TAG, "arch": "i686", "image": "r/other:1"},
]
POLICY = {"version": "1.0", "rules": RULES}


class Engine(HostEngine):
    """Remembers which images were asked for."""

    def __init__(self, missing: str = "") -> None:
        super().__init__()
        self.asked: list[tuple[str, PullPolicy]] = []
        self._missing = missing

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        self.asked.append((reference, policy))
        if reference == self._missing:
            raise ImagePullError(f"image {reference} cannot be pulled")
        return ImageInfo(id=f"id of {reference}", digest="")


@pytest.fixture
def topdir(config: Config) -> Path:
    directory = Path(config.topdir)
    (directory / "repos").mkdir(parents=True)
    lay_out_repo(directory, TAG, 1, [])
    return directory


def session(extra: dict[str, Any] | None) -> ReplaySession:
    """The recorded task, with a question for the tag where `extra` answers one."""
    calls = recorded("createrepo_empty")
    event = calls[0]["result"]["create_event"]
    if extra is not None:
        asked = {"call": "getBuildConfig", "args": [2, {"event": event, "__starstar": True}]}
        calls.insert(1, {**asked, "result": {"id": 2, "name": TAG, "extra": extra}})
    return ReplaySession(calls)


@pytest.mark.usefixtures("topdir")
def test_tools_come_from_the_image_that_the_tag_wants_and_the_next_task_asks_nothing(
    make_handler: MakeHandler, config: Config
) -> None:
    changed = dataclasses.replace(config, image_pull_policy=PullPolicy.NEWER)
    for extra in ({"adjutant_image_policy": json.dumps(POLICY)}, None):
        hub, engine = session(extra), Engine()
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], hub, manager=engine, config=changed).run()
        assert hub.finished()
        assert engine.asked == [("r/tools:1", PullPolicy.NEWER)]
        assert [spec.image for spec in engine.specs] == ["id of r/tools:1"]


@pytest.mark.usefixtures("topdir")
def test_a_bootstrap_image_need_not_have_our_tools(make_handler: MakeHandler, config: Config) -> None:
    changed = dataclasses.replace(config, mock_bootstrap_image="True")
    engine = Engine()
    hub = session({"mock.bootstrap_image": "r/bootstrap:1"})
    make_handler(CreaterepoTask, 2, [1, "x86_64", None], hub, manager=engine, config=changed).run()
    assert [reference for reference, _ in engine.asked] == [config.task_image_default]


@pytest.mark.usefixtures("topdir")
def test_limits_of_the_tag_are_in_force(make_handler: MakeHandler, config: Config) -> None:
    changed = dataclasses.replace(config, limits={"createrepo.memory": 4 << 30})
    hub, engine = session({"adjutant.limits": {"memory": "2G", "createrepo": {"cpus": 1}}}), Engine()
    make_handler(CreaterepoTask, 2, [1, "x86_64", None], hub, manager=engine, config=changed).run()
    (made,) = engine.specs
    assert (made.limits.memory_bytes, made.limits.cpus) == (2 << 30, 1)


@pytest.mark.usefixtures("topdir")
@pytest.mark.parametrize(
    ("extra", "missing", "said"),
    [
        ({"adjutant_image_policy": "{broken"}, "", "adjutant_image_policy of tag dist-md-build.*{broken"),
        ({"adjutant_image_policy": POLICY}, "r/tools:1", "image r/tools:1 cannot be pulled"),
    ],
)
def test_an_image_that_cannot_be_had_fails_the_task(
    make_handler: MakeHandler, extra: dict[str, Any], missing: str, said: str
) -> None:
    engine = Engine(missing)
    with pytest.raises(koji.BuildrootError, match=said):
        make_handler(CreaterepoTask, 2, [1, "x86_64", None], session(extra), manager=engine).run()
    assert not engine.specs
    corrected = session({})
    make_handler(CreaterepoTask, 2, [1, "x86_64", None], corrected, manager=engine).run()
    assert corrected.finished()
