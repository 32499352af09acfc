"""A hub of the test's own, and what it is filled with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.testbed.content import Content
from koji_adjutant.testbed.hub.server import EmbeddedHub

CONTENT = Content(
    arch="x86_64",
    external_repo="http://127.0.0.1/one/",
    packages=("hello", "long"),
    groups={"build": ("bash", "gcc"), "srpm-build": ("bash",)},
    extra={"mock.releasever": "1"},
)


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Any]:
    with EmbeddedHub(tmp_path / "hub") as hub:
        hub.bootstrap("admin", "a-secret-7")
        session: Any = koji.ClientSession(hub.url, {"user": "admin", "password": "a-secret-7"})
        session.login()
        yield session
        session.logout()
        session.rsession.close()
