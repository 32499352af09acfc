"""A hub of a test's own, with an administrator and one host."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.config import Config
from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub

HOST, PASSWORD = "builder", "b-secret-7"
ADMIN, ADMIN_PASSWORD = "admin", "a-secret-7"


@dataclass(frozen=True, kw_only=True)
class Hub:
    """The hub, and a session of its administrator."""

    hub: EmbeddedHub
    admin: Any
    directory: Path

    def config(self, **options: Any) -> Config:
        """The configuration of its host."""
        chosen = {
            "user": HOST,
            "password": PASSWORD,
            "max_retries": 2,
            "retry_interval": 1,
            "state_dir": self.directory / "state",
            "workdir": str(self.directory / "work"),
            "topdir": str(self.hub.topdir),
            **options,
        }
        return Config(server=self.hub.url, topurls=(self.hub.topurl,), **chosen)


@pytest.fixture
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """Its scheduler runs whenever a host asks; a test of waiting gives the seconds between two runs as a parameter."""
    options = HubOptions(run_interval=getattr(request, "param", 0))
    with EmbeddedHub(tmp_path / "hub", options) as embedded:
        embedded.bootstrap(ADMIN, ADMIN_PASSWORD)
        embedded.accounts.add_host(HOST, PASSWORD, arches=("x86_64",))
        admin = koji.ClientSession(
            embedded.url, {"user": ADMIN, "password": ADMIN_PASSWORD, "max_retries": 0}
        )
        admin.login()
        yield Hub(hub=embedded, admin=admin, directory=tmp_path)
        admin.logout()
