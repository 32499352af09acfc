"""Logging in, and the one line that says why it did not work."""

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError, LoginFailed, LoginRefused
from koji_adjutant.hub.session import login, open_session
from tests.faults.hub_proxy import HubProxy
from tests.hubs import PASSWORD, Hub


def attempt(hub: Hub, *, force_lock: bool = False, **options: object) -> None:
    config = hub.config(**options)
    session = open_session(config)
    try:
        login(session, config, force_lock=force_lock)
    finally:
        session.forget()


def test_wrong_password(hub: Hub) -> None:
    with pytest.raises(LoginFailed) as caught:
        attempt(hub, password="wrong-pa55word")
    text = str(caught.value)
    assert f"hub {hub.hub.url} refuses user builder" in text
    assert "wrong-pa55word" not in text


def test_no_password(hub: Hub) -> None:
    with pytest.raises(ConfigError, match="user builder has no password"):
        attempt(hub, password=None)


def test_unreachable(hub: Hub) -> None:
    config = hub.config()
    hub.admin.logout()
    hub.hub.stop()
    with pytest.raises(LoginFailed, match=r"cannot be reached: .*Connection refused.*check option server"):
        login(open_session(config), config)


def test_somebody_else_has_the_lock(hub: Hub) -> None:
    attempt(hub)
    with pytest.raises(LoginFailed, match="another daemon is logged in"):
        attempt(hub)
    attempt(hub, force_lock=True)


def test_an_answer_about_the_lock_that_is_lost(hub: Hub) -> None:
    with HubProxy(hub.hub.url) as proxy, proxy.drop_answer("exclusiveSession") as fault:
        config = replace(hub.config(), server=proxy.server)
        session = open_session(config)
        login(session, config)
        session.forget()
        assert fault.done() == 1
    with pytest.raises(LoginFailed, match="another daemon is logged in"):
        attempt(hub)


def test_not_a_hub(hub: Hub) -> None:
    config = hub.config()
    session = open_session(config)
    session.baseurl = f"{hub.hub.topurl}/nothing"
    with pytest.raises(LoginFailed, match="does not answer as a hub"):
        login(session, config)
    session.forget()


def test_a_user_that_is_no_host(hub: Hub) -> None:
    with pytest.raises(LoginRefused, match=r"is not a host; have an administrator add it \(koji add-host\)"):
        attempt(hub, user="admin", password="a-secret-7")


def test_no_keytab(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keytab .*/none of compile/.* cannot be read"):
        attempt(hub, user=None, keytab=str(tmp_path / "none"), ccache=str(tmp_path / "cache"))


def test_certificate_that_cannot_be_used(hub: Hub, tmp_path: Path) -> None:
    cert = tmp_path / "client.crt"
    cert.write_text("no certificate")
    with pytest.raises(ConfigError) as caught:
        attempt(hub, cert=str(cert))
    assert f"certificate and key {cert} cannot be used" in str(caught.value)
    assert PASSWORD not in str(caught.value)


class NotFound(BaseHTTPRequestHandler):
    """Serves nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quietly."""


@contextmanager
def tls_server(directory: Path) -> Iterator[str]:
    key, cert = directory / "tls.key", directory / "tls.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with HTTPServer(("127.0.0.1", 0), NotFound) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"https://localhost:{server.server_port}/kojihub"
        server.shutdown()
        thread.join()


def test_untrusted_authority(hub: Hub, tmp_path: Path) -> None:
    config = hub.config()
    with tls_server(tmp_path) as url:
        session = open_session(config)
        session.baseurl = url
        with pytest.raises(ConfigError, match="its certificate is not trusted") as caught:
            login(session, config)
    assert "serverca" in str(caught.value)
