"""Logins with a certificate: what is refused, what is replaced while the daemon runs, what is waited for."""

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.errors import AdjutantError, ConfigError, LoginRefused
from koji_adjutant.hub.outage import LoginUnavailable
from koji_adjutant.hub.session import HubSession, log_in_anew, login, open_session
from tests.hubs import HOST
from tests.unit.hub.tls_hub import Authority, TlsHub, tls_hub

DAYS_AGO = 2 * 86400.0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[TlsHub]:
    with tls_hub(tmp_path) as made:
        yield made


@pytest.fixture
def main(hub: TlsHub) -> Iterator[HubSession]:
    """A main process' session; no task runs."""
    session = open_session(hub.config())
    login(session, hub.config())
    session.give_up_early()
    numbers = [session.session_id]

    def end_the_last(new: HubSession) -> None:
        new.logout(numbers[-1])
        numbers.append(new.session_id)

    session.log_in_anew = partial(log_in_anew, session, hub.config(), end_the_last)
    yield session
    session.forget()


def with_tasks(session: HubSession) -> None:
    assert isinstance(session.log_in_anew, partial)
    session.log_in_anew = partial(session.log_in_anew, tasks_run=lambda: True)


def refusal(hub: TlsHub, **options: object) -> AdjutantError:
    """What a login fails with: one line."""
    session = open_session(hub.config(**options))
    with pytest.raises(AdjutantError) as caught:
        login(session, hub.config(**options))
    session.forget()
    assert "\n" not in str(caught.value)
    return caught.value


def host_id(session: Any) -> int:
    return int(session.host.getID())


def test_login_and_subsession(hub: TlsHub, main: HubSession) -> None:
    child: Any = main.subsession()
    assert child.getLoggedInUser()["name"] == HOST
    assert host_id(child) == host_id(main)
    child.logout()


def test_of_another_authority(hub: TlsHub, tmp_path: Path) -> None:
    hub.install(Authority.made(tmp_path / "another").signed(HOST))
    refused = refusal(hub)
    assert isinstance(refused, LoginRefused)
    assert f"refuses the certificate {hub.cert}: [SSL: TLSV1_ALERT" in str(refused)
    assert "_ssl.c" not in str(refused)


def test_expired(hub: TlsHub) -> None:
    hub.install(hub.authority.signed(HOST, days=-1))
    refused = refusal(hub)
    assert isinstance(refused, LoginRefused)
    assert "certificate expired; check that it is valid now" in str(refused)


def test_of_nobody(hub: TlsHub) -> None:
    hub.install(hub.authority.signed("stranger"))
    assert f"refuses the certificate {hub.cert}: Unknown user: stranger; check" in str(refusal(hub))


def test_of_no_host(hub: TlsHub) -> None:
    hub.install(hub.authority.signed("admin"))
    refused = refusal(hub)
    assert isinstance(refused, LoginRefused)
    assert "is not a host" in str(refused)
    assert "add-host" in str(refused)


@pytest.mark.parametrize("content", [b"", b"no certificate"])
def test_without_certificate_or_key(hub: TlsHub, content: bytes) -> None:
    hub.cert.write_bytes(content or hub.authority.certificate.read_bytes())
    refused = refusal(hub)
    assert isinstance(refused, ConfigError)
    assert str(refused).startswith(f"certificate and key {hub.cert} cannot be used: ")


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_authorities_that_cannot_be_read(hub: TlsHub, tmp_path: Path, content: str | None) -> None:
    serverca = tmp_path / "serverca.crt"
    if content is not None:
        serverca.write_text(content)
    refused = refusal(hub, serverca=str(serverca))
    assert isinstance(refused, ConfigError)
    assert str(refused).startswith(f"CA certificates {serverca} cannot be used: ")


def test_a_directory_of_authorities(hub: TlsHub, tmp_path: Path) -> None:
    directory = tmp_path / "authorities"
    directory.mkdir()
    assert "is not trusted" in str(refusal(hub, serverca=str(directory)))


def test_a_certificate_that_is_named_and_not_there(hub: TlsHub, tmp_path: Path) -> None:
    hub.cert.unlink()
    refused = refusal(hub, keytab=str(tmp_path / "none"), ccache=str(tmp_path / "cache"))
    assert f"the certificate {hub.cert} is not there" in str(refused)


def test_renewal_with_a_certificate_that_was_replaced(hub: TlsHub, main: HubSession) -> None:
    before = main.session_id
    hub.install(hub.authority.signed(HOST, days=2))
    hub.hub.control.age_session(before, DAYS_AGO)
    assert host_id(main)
    assert main.session_id == before


@pytest.mark.parametrize("days", [-1, None])
def test_with_tasks_a_certificate_that_cannot_be_used_is_waited_for(
    hub: TlsHub, main: HubSession, days: int | None
) -> None:
    with_tasks(main)
    good = hub.cert.read_bytes()
    hub.cert.write_bytes(
        b"half a file" if days is None else hub.authority.signed(HOST, days=days).read_bytes()
    )
    hub.hub.control.age_session(main.session_id, DAYS_AGO)
    for _ in range(2):
        with pytest.raises(LoginUnavailable, match=f"{hub.cert}") as caught:
            main.call_once("echo", "x")
        assert "\n" not in str(caught.value)
    hub.cert.write_bytes(good)
    assert host_id(main)


def test_without_tasks_what_the_hub_refuses_is_the_end(hub: TlsHub, main: HubSession) -> None:
    hub.install(hub.authority.signed(HOST, days=-1))
    hub.hub.control.age_session(main.session_id, DAYS_AGO)
    with pytest.raises(koji.AuthError, match="certificate expired"):
        main.call_once("echo", "x")


def test_what_another_login_does_not_cure_is_no_reason_for_ever_more_of_them(
    hub: TlsHub, main: HubSession, caplog: pytest.LogCaptureFixture
) -> None:
    user = hub.hub.accounts.add_user("no-host", "x")
    hub.install(hub.authority.signed("no-host"))
    main.logout(main.session_id)
    numbers: list[int] = []

    def end_the_last(new: HubSession) -> None:
        for number in numbers:
            new.logout(number)
        numbers[:] = [new.session_id]

    main.log_in_anew = partial(log_in_anew, main, hub.config(), end_the_last)
    main.log_in_anew()
    with caplog.at_level(logging.WARNING), pytest.raises(koji.AuthError, match=f"User {user} is not a host"):
        host_id(main)
    assert caplog.text.count("logging in anew") == 1
