"""The proxy that stands between a daemon and its hub: harmless unless told, and then exactly as told."""

import time
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError

import koji
import pytest
import requests

from tests.faults.hub_proxy import HubProxy
from tests.faults.hub_proxy_process import OFFLINE_CODE
from tests.hubs import ADMIN, ADMIN_PASSWORD, Hub

MEGABYTE = 1 << 20


@pytest.fixture
def proxy(hub: Hub) -> Iterator[HubProxy]:
    with HubProxy(hub.hub.url) as made:
        yield made


@pytest.fixture
def client(proxy: HubProxy) -> Iterator[Any]:
    """The administrator, through the proxy, without patience."""
    options = {"user": ADMIN, "password": ADMIN_PASSWORD, "max_retries": 0, "retry_interval": 0}
    session: Any = koji.ClientSession(proxy.server, {**options, "offline_retry": False, "timeout": 10})
    session.login()
    yield session
    session.logout()
    session.rsession.close()


def upload(client: Any, content: bytes, name: str) -> None:
    """Not by the library's wrapper, which leaves its file open."""
    for offset in range(0, len(content), MEGABYTE):
        chunk = content[offset : offset + MEGABYTE]
        client._callMethod("rawUpload", (chunk, offset, "cli-build/proxy", name), {"overwrite": True})


def test_calls_and_uploads_pass_unchanged(client: Any, hub: Hub) -> None:
    content = bytes(range(256)) * 4096 * 3
    assert client.echo("§ü", [1, None]) == ["§ü", [1, None]]
    upload(client, content, "large")
    assert (hub.hub.topdir / "work/cli-build/proxy/large").read_bytes() == content


def test_a_hub_that_is_down_refuses_and_comes_back(client: Any, proxy: HubProxy) -> None:
    for _ in range(3):
        with proxy.down(), pytest.raises(requests.ConnectionError):
            client.echo("down")
        assert client.echo("up") == ["up"]


def test_an_error_of_http(client: Any, proxy: HubProxy) -> None:
    with proxy.status(502) as fault, pytest.raises(requests.HTTPError, match="502"):
        client.echo("status")
    assert fault.done() == 1
    assert client.echo("up") == ["up"]


@pytest.mark.parametrize("truncated", [False, True])
def test_an_answer_that_is_none(client: Any, proxy: HubProxy, truncated: bool) -> None:
    with proxy.garbage(truncated=truncated), pytest.raises(ExpatError):
        client.echo("garbage")
    assert client.echo("up") == ["up"]


def test_a_hub_in_maintenance(client: Any, proxy: HubProxy) -> None:
    assert koji.ServerOffline.faultCode == OFFLINE_CODE
    with proxy.offline(), pytest.raises(koji.ServerOffline, match="server is offline"):
        client.echo("offline")
    assert client.echo("up") == ["up"]


def test_a_slow_hub(client: Any, proxy: HubProxy) -> None:
    began = time.monotonic()
    with proxy.delay(0.3, methods=("echo",), times=2):
        for _ in range(4):
            client.echo("slow")
        client.getAPIVersion()
    assert 0.6 <= time.monotonic() - began < 5


def test_a_lost_answer_was_processed(client: Any, proxy: HubProxy, hub: Hub) -> None:
    with proxy.drop_answer("createTag") as fault:
        client.echo("others are not met")
        with pytest.raises(koji.RetryError):
            client.createTag("made")
        fault.wait(5)
    assert fault.done() == 1
    assert hub.admin.getTag("made")["name"] == "made"


def test_a_call_in_a_multicall_is_met(client: Any, proxy: HubProxy, hub: Hub) -> None:
    client.multicall = True
    client.echo("first")
    client.createTag("inside")
    with proxy.drop_answer("createTag"), pytest.raises(koji.RetryError):
        client.multiCall()
    assert hub.admin.getTag("inside")


def test_an_upload_is_met(client: Any, proxy: HubProxy) -> None:
    with proxy.status(500, methods=("rawUpload",)) as fault:
        with pytest.raises(requests.HTTPError):
            upload(client, b"1234", "small")
        client.echo("others are not met")
    assert fault.done() == 1
