"""Settings of a hub."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import koji

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_hub_far_away_is_slow_and_counts_its_requests(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "koji.adjutant.testbed.hub.access")
    with EmbeddedHub(tmp_path / "far", HubOptions(run_interval=0, latency=0.05)) as hub:
        session: Any = koji.ClientSession(hub.url, {})
        began = time.monotonic()
        session.echo("a")
        session.echo("b")
        assert time.monotonic() - began >= 0.1
        session.rsession.close()
    asked = [record.getMessage().rpartition(", ")[0] for record in caplog.records]
    assert asked == ["session -: echo"] * 2
