"""Mails that a real server takes, or does not."""

import dataclasses
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.values import SmtpTls
from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.notify.mail import Mail
from koji_adjutant.handlers.notify.smtp import Patience, Sent, check_server, greet, send
from tests.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.unit.hub.tls_hub import Authority

ANNA, BERT = "anna@example.org", "bert@example.org"
PATIENCE = Patience()
LOGIN: dict[str, Any] = {"smtp_user": USER, "smtp_pass": PASSWORD}


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server has whose certificate this host trusts."""
    authority = Authority.made(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.signed("mail", extension="subjectAltName=IP:127.0.0.1"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    return context


def deliver(
    config: Config, address: str, *recipients: str, patience: Patience = PATIENCE, **options: Any
) -> Sent:
    mail = Mail(
        sender=config.from_addr,
        subject="a subject",
        recipients=recipients or (ANNA,),
        text="a text\n",
        message_id="<1@hub>",
    )
    changed = dataclasses.replace(config, smtphost=address, **options)
    return send(changed, mail, moment=0, patience=patience)


def failure(config: Config, address: str, *recipients: str, **options: Any) -> str:
    with pytest.raises(TaskFailed) as caught:
        deliver(config, address, *recipients, **options)
    assert caught.value.__cause__ is None
    assert "smtphost" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_mail_is_sent_as_kojid_sends_it(config: Config, server: MailServer) -> None:
    """No TLS and no login, to a server and its port."""
    assert deliver(config, server.address, ANNA, BERT) == Sent(accepted=(ANNA, BERT), refused={})
    (mail,) = server.received
    assert (mail.sender, mail.recipients, mail.over_tls) == ("buildsys@example.com", (ANNA, BERT), False)
    assert (mail.message["Subject"], mail.text) == ("a subject", "a text\n")


def test_a_greeting_logs_in_and_sends_nothing(config: Config) -> None:
    with mail_server(login=True) as server:
        greet(dataclasses.replace(config, smtphost=server.address, **LOGIN))
        assert server.logins == [(USER.encode(), PASSWORD.encode())]
        with pytest.raises(TaskFailed, match="refuses the login") as caught:
            greet(dataclasses.replace(config, smtphost=server.address, smtp_user=USER, smtp_pass="p-wrong-7"))
        assert not server.received
    assert "p-wrong-7" not in str(caught.value)


@pytest.mark.parametrize("tls", SmtpTls)
def test_login_with_and_without_tls(config: Config, contexts: ssl.SSLContext, tls: SmtpTls) -> None:
    ways = {
        SmtpTls.NO: {"login": True},
        SmtpTls.STARTTLS: {"login": True, "starttls": contexts},
        SmtpTls.TLS: {"login": True, "tls": contexts},
    }
    with mail_server(**ways[tls]) as server:  # type: ignore[arg-type]
        deliver(config, server.address, smtp_tls=tls, **LOGIN)
        assert server.logins == [(USER.encode(), PASSWORD.encode())]
        assert [mail.over_tls for mail in server.received] == [tls is not SmtpTls.NO]


def test_a_server_that_nobody_vouches_for_gets_no_password(
    config: Config, contexts: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    for ways, tls in (({"tls": contexts}, SmtpTls.TLS), ({"starttls": contexts}, SmtpTls.STARTTLS)):
        with mail_server(login=True, **ways) as server:
            assert "agree on no TLS" in failure(config, server.address, smtp_tls=tls, **LOGIN)
            assert not server.logins


def test_a_certificate_is_of_the_name_that_is_configured(config: Config, contexts: ssl.SSLContext) -> None:
    with mail_server(tls=contexts) as server:
        said = failure(config, f"localhost:{server.port}", smtp_tls=SmtpTls.TLS)
        assert "agree on no TLS" in said
        assert not server.received


def test_a_server_without_starttls_gets_nothing(config: Config, server: MailServer) -> None:
    said = failure(config, server.address, smtp_tls=SmtpTls.STARTTLS, **LOGIN)
    assert "STARTTLS extension not supported" in said
    assert not server.received


def test_refused_login_says_no_password(config: Config) -> None:
    """The server says it in its answer."""
    with mail_server(login=True) as server:
        said = failure(config, server.address, smtp_user=USER, smtp_pass="w-secret-7")
        assert "refuses the login as 'buildsys': 535" in said
        assert "w-secret-7" not in said
        assert "530" in failure(config, server.address)
        assert not server.received


def test_a_password_in_any_answer_is_not_told(config: Config) -> None:
    with mail_server(login=True) as server:
        server.answers["DATA"] = f"554 {USER} with {PASSWORD}: spam"
        said = failure(config, server.address, **LOGIN)
    assert "answers 554 buildsys with ***: spam" in said


def test_empty_login_is_none(config: Config, server: MailServer) -> None:
    assert deliver(config, server.address, smtp_user="", smtp_pass="").accepted == (ANNA,)


def test_login_that_is_not_ascii(config: Config) -> None:
    with mail_server(login=True) as server:
        said = failure(config, server.address, smtp_user=USER, smtp_pass="pässword")
    assert "smtp_user or smtp_pass is not ASCII" in said


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_a_refused_mail_fails_in_the_words_of_the_server(
    config: Config, server: MailServer, command: str
) -> None:
    server.answers[command] = "451 come \x1b[31m back later"
    assert r"answers 451 come \x1b[31m back later" in failure(config, server.address)
    assert not server.received


def test_a_mail_larger_than_the_server_takes(config: Config, server: MailServer) -> None:
    mail = Mail(sender="a@b", subject="s", recipients=(ANNA,), text="x" * (2 << 20), message_id="<1@h>")
    with pytest.raises(TaskFailed, match="answers 552"):
        send(dataclasses.replace(config, smtphost=server.address), mail, moment=0)


def test_some_recipients_are_refused(
    config: Config, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Who gets it gets it; who does not is named in the log and not in the result."""
    server.refused[BERT] = "550 no such user"
    others = ["ändré@example.org", "x@example.org\r\nDATA"]
    with caplog.at_level(logging.WARNING):
        sent = deliver(config, server.address, BERT, ANNA, *others)
    assert sent.accepted == (ANNA,)
    assert list(sent.refused) == [*others, BERT]
    assert "'bert@example.org' (550 no such user)" in caplog.text
    assert [mail.recipients for mail in server.received] == [(ANNA,)]


def test_nobody_is_told_of_is_a_failure(config: Config, server: MailServer) -> None:
    server.refused = {ANNA: "550 no such user", BERT: "450 full"}
    said = failure(config, server.address, ANNA, BERT, "ä@example.org")
    for part in ("'anna@example.org' (550 no such user)", "(450 full)", "'ä@example.org' (it is no mail"):
        assert part in said
    assert not server.received


def test_a_server_that_goes_away_after_it_took_the_mail(config: Config, server: MailServer) -> None:
    server.answers["QUIT"] = ""
    assert deliver(config, server.address).accepted == (ANNA,)


@pytest.mark.parametrize("host", ["", "example.com", "EXAMPLE.com:25", "example.com."])
def test_no_server_is_configured(config: Config, host: str) -> None:
    with pytest.raises(TaskFailed, match="option smtphost is '"):
        check_server(dataclasses.replace(config, smtphost=host))


def test_sender_that_is_no_address(config: Config, server: MailServer) -> None:
    with pytest.raises(TaskFailed, match="option from_addr is not ASCII"):
        deliver(config, server.address, from_addr="Koji <köji@example.org>")


@pytest.mark.parametrize("address", ["127.0.0.1:port", "a b", "nobody.invalid"])
def test_server_that_is_none(config: Config, address: str) -> None:
    failure(config, address)


def test_server_that_is_down(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert "refused" in failure(config, f"127.0.0.1:{port}")


@contextmanager
def saying(greeting: bytes, *, again: bool = False) -> Iterator[str]:
    """A server that says one thing, or the same until nobody hears it, and hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(greeting)
                    while again:
                        connection.sendall(greeting)
                    connection.recv(1 << 16)
                    connection.recv(1)
                except OSError:
                    """The client has gone."""

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join()


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n"])
def test_server_that_never_answers(config: Config, greeting: bytes) -> None:
    with saying(greeting) as address:
        said = failure(config, address, patience=Patience(answer=0.1))
    assert "does not answer" in said


def test_server_that_never_comes_to_an_end(config: Config) -> None:
    with saying(b"220-still greeting\r\n", again=True) as address:
        said = failure(config, address, patience=Patience(answer=30, whole=0.2))
    assert "has not taken the mail in 0.2 s" in said


def test_server_that_does_not_want_us(config: Config) -> None:
    with saying(b"554 not you\r\n") as address:
        assert "answers 554 not you" in failure(config, address)
