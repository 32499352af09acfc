"""A build that is about to be completed, and its logs; a repo, and a buildroot of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.testbed.hub.builds.attempt import attempt, logs

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller, ContentHub

__all__ = ["attempt", "logs"]


@pytest.fixture
def repo(hub: ContentHub, builder: Caller) -> int:
    """A repo of `dist`, which sees the external repo `outside`."""
    hub.tag()
    hub.admin.createExternalRepo("outside", "http://outside.example")
    hub.admin.createExternalRepo("beyond", "http://beyond.example")
    repo_id: int = builder.host.repoInit("dist")[0]
    return repo_id


@pytest.fixture
def buildroot(hub: ContentHub, builder: Caller, repo: int) -> int:
    return hub.buildroot(builder, repo)
