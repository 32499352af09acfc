"""Whose certificates a session with the hub trusts when no option says it: the system's, as kojid does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from koji_adjutant.errors import AdjutantError
from koji_adjutant.host.https import CA_VARIABLES
from koji_adjutant.hub.session import login, open_session
from tests.unit.hub.tls_hub import TlsHub, tls_hub


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsHub]:
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with tls_hub(tmp_path) as made:
        yield made


def reaches(tls: TlsHub, **options: object) -> None:
    session = open_session(tls.config(**{"serverca": "", **options}))
    try:
        login(session, tls.config(**{"serverca": "", **options}))
        session.logout()
    finally:
        session.forget()


def test_an_authority_of_the_system(tls: TlsHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AdjutantError, match="serverca"):
        reaches(tls)
    # The variable of OpenSSL says where the system has them.
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.authority.certificate))
    reaches(tls)


def test_one_that_the_environment_names(tls: TlsHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls.authority.certificate))
    reaches(tls)


def test_none(tls: TlsHub) -> None:
    reaches(tls, no_ssl_verify=True)
