"""Builds to tag, and a tag that lists a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built


@pytest.fixture
def builds(hub: ContentHub, hello: Built, newer_hello: Built) -> tuple[str, str]:
    """hello 1.0 and 2.0, complete, untagged; tag `dist` inherits `base`, which lists hello."""
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.listed("base", "hello")
    for built in (hello, newer_hello):
        hub.complete_build(built)
    return hello.nvr, newer_hello.nvr


@pytest.fixture
def listed(hub: ContentHub) -> ContentHub:
    """`base` lists hello, of user alice; `dist` inherits it."""
    hub.user("alice")
    hub.tag("base")
    hub.tag("dist", parent="base")
    hub.admin.packageListAdd("base", "hello", "alice", extra_arches="i686")
    return hub
