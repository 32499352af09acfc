"""The hub as an object: started, stopped, started again."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from xmlrpc.client import dumps

import pytest

from koji_adjutant.testbed.hub.server import EmbeddedHub

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stopped_hub_answers_nobody_and_comes_back(tmp_path: Path) -> None:
    hub = EmbeddedHub(tmp_path).start()
    target = urlsplit(hub.url)
    with closing(http.client.HTTPConnection(target.hostname or "", target.port, timeout=20)) as kept:
        kept.request("POST", "/kojihub", dumps((), "hello"))
        assert kept.getresponse().read()
        hub.stop()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            kept.request("POST", "/kojihub", dumps((), "hello"))
            kept.getresponse()
    with EmbeddedHub(tmp_path, port=target.port or 0) as again:
        assert again.url == urlunsplit(target)


def test_a_stopped_hub_has_no_address(tmp_path: Path) -> None:
    hub = EmbeddedHub(tmp_path)
    for use in (lambda: hub.url, lambda: hub.control, lambda: hub.accounts):
        with pytest.raises(RuntimeError, match="not started"):
            use()
