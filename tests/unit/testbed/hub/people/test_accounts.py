"""Users and hosts that are made from inside the hub's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji

from koji_adjutant.testbed.hub.server import EmbeddedHub

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_hub_knows_survives_it(tmp_path: Path) -> None:
    with EmbeddedHub(tmp_path) as hub:
        hub.bootstrap("admin", "first")
        hub.accounts.add_host("b1", "b1", arches=("x86_64",))
        assert (tmp_path / "hub.url").read_text() == f"{hub.url}\n"
    with EmbeddedHub(tmp_path) as hub:
        hub.bootstrap("admin", "second")
        hub.accounts.add_host("b1", "b1", arches=("x86_64", "i686"), channels=("default", "special"))
        session: Any = koji.ClientSession(hub.url, {"user": "admin", "password": "second"})
        session.login()
        assert session.getPerms() == ["admin"]
        assert session.getHost("b1")["arches"] == "x86_64 i686"
        assert [row["name"] for row in session.listChannels("b1")] == ["default", "createrepo", "special"]
        session.logout()
        session._forget()
