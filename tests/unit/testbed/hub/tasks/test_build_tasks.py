"""Tasks that clients ask for: a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub


def test_a_build_task(hub: ContentHub) -> None:
    alice = hub.user("alice")
    task = hub.admin.getTaskInfo(
        alice.build("cli-build/x/hello.src.rpm", "dist", {"scratch": True}), request=True
    )
    assert (task["method"], task["priority"]) == ("build", koji.PRIO_DEFAULT)
    assert task["request"] == ["cli-build/x/hello.src.rpm", "dist", {"scratch": True}]
    later = hub.admin.getTaskInfo(alice.build("a.src.rpm", "dist", priority=5, channel="image"))
    assert later["priority"] == koji.PRIO_DEFAULT + 5
    with pytest.raises(koji.ActionNotAllowed, match="high-priority"):
        alice.build("a.src.rpm", "dist", priority=-5)
    with pytest.raises(koji.ParameterError):
        alice.build(["a.src.rpm"], "dist")
    with pytest.raises(koji.ActionNotAllowed):
        hub.anonymous.build("a.src.rpm", "dist")


def test_a_chain_of_builds(hub: ContentHub) -> None:
    alice = hub.user("alice")
    levels = [["git://host/a#1", "git://host/b#1"], ["hello-1-1"]]
    task = hub.admin.getTaskInfo(alice.chainBuild(levels, "dist"), request=True)
    assert (task["method"], task["priority"]) == ("chainbuild", koji.PRIO_DEFAULT)
    assert task["request"] == [levels, "dist", {}]
    later = hub.admin.getTaskInfo(alice.chainBuild(levels, "dist", {"skip_tag": True}, 5, "image"))
    assert later["priority"] == koji.PRIO_DEFAULT + 5
    with pytest.raises(koji.ActionNotAllowed, match="high-priority"):
        alice.chainBuild(levels, "dist", priority=-5)
    with pytest.raises(koji.ParameterError):
        alice.chainBuild("git://host/a#1", "dist")
    with pytest.raises(koji.ActionNotAllowed):
        hub.anonymous.chainBuild(levels, "dist")
