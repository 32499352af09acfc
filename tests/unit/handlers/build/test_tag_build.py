"""The tagBuild handler calls the hub as kojid was recorded to call it."""

import koji
import pytest

from koji_adjutant.handlers.build.tag_build import TagBuildTask
from tests.unit.handlers.conftest import MakeHandler
from tests.unit.handlers.replay import ReplaySession, recorded


def test_tag_build_as_recorded(make_handler: MakeHandler) -> None:
    session = ReplaySession(recorded("tag_build"))
    assert make_handler(TagBuildTask, 33, [1, 1, False, None, True], session).run() is None
    assert session.finished()


def test_refused_tag_is_told(make_handler: MakeHandler) -> None:
    calls = recorded("tag_build")
    refused = {"call": "host.tagBuild", "args": calls[3]["args"], "fault": [1000, "locked"]}
    told = {
        "call": "host.tagNotification",
        "args": [False, 1, None, 1, 1, True, "<class 'koji.GenericError'>: locked"],
    }
    session = ReplaySession([*calls[:3], refused, told])
    with pytest.raises(koji.GenericError, match="locked"):
        make_handler(TagBuildTask, 33, [1, 1, False, None, True], session).run()
    assert session.finished()
