"""Everything that is fetched trusts the same authorities: the system's, or those that the environment names."""

import functools
import hashlib
import io
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from koji_adjutant.buildroot.install.downloads import Download, Downloads, open_session
from koji_adjutant.buildroot.install.repo_metadata import read_metadata
from koji_adjutant.buildroot.record import fetch
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.host import https
from koji_adjutant.hub import files as hub_files
from tests.unit.buildroot.web import settings_for

REPOMD = f"""\
<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">
<checksum type="sha256">{1:064}</checksum><location href="repodata/primary.xml.gz"/></data></repomd>
"""
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", *https.CA_VARIABLES)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Serves the files of a directory under a certificate that only its own authority has signed."""

    url: str
    authority: Path


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Patient(ThreadingHTTPServer):
    """Does not care for clients that do not trust it."""

    def handle_error(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("https")
    key, authority = directory / "key", directory / "crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(key), "-out", str(authority)),
        ],
        check=True,
        capture_output=True,
    )
    files = directory / "files"
    (files / "repodata").mkdir(parents=True)
    (files / "repodata" / "repomd.xml").write_text(REPOMD)
    (files / "file").write_text("content")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, key)
    with Patient(("127.0.0.1", 0), functools.partial(Quiet, directory=str(files))) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Server(url=f"https://localhost:{http.server_port}", authority=authority)
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def a_source_package(server: Server, directory: Path) -> None:
    hub_files.fetch(f"{server.url}/file", io.BytesIO(), lambda: None)
    hub_files.fetch_to(f"{server.url}/file", directory / "fetched", lambda: None)


def a_result_in_scratch(server: Server, _directory: Path) -> None:
    assert hub_files.is_there(f"{server.url}/file", lambda: None)


def a_repomd(server: Server, _directory: Path) -> None:
    with open_session() as http:
        read_metadata(settings_for(server.url), http)


def origins(server: Server, _directory: Path) -> None:
    with open_session() as http:
        fetch(http, (server.url,), "file")


def a_package(server: Server, directory: Path) -> None:
    content = b"content"
    wanted = Download(
        title="package",
        urls=(f"{server.url}/file",),
        checksum_kind="sha256",
        checksum=hashlib.sha256(content).hexdigest(),
        size=len(content),
        target=directory / "package",
    )
    Downloads(directory / "partial", pause=0.001).fetch([wanted])


EVERYTHING = (a_source_package, a_result_in_scratch, a_repomd, origins, a_package)
Fetch = Callable[[Server, Path], None]


@pytest.mark.parametrize("fetched", EVERYTHING)
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", *https.CA_VARIABLES])
def test_trusted_are_the_system_s_or_those_of_the_environment(
    server: Server, fetched: Fetch, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The first moves the place where the system has them.
    monkeypatch.setenv(variable, str(server.authority))
    fetched(server, tmp_path)


@pytest.mark.parametrize("fetched", EVERYTHING)
def test_no_other_is_trusted(server: Server, fetched: Fetch, tmp_path: Path) -> None:
    with pytest.raises((requests.exceptions.SSLError, BuildrootFailed), match="CERTIFICATE_VERIFY_FAILED"):
        fetched(server, tmp_path)
