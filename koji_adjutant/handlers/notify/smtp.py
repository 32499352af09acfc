"""Sending a mail to the server of option smtphost. A connection lasts for one mail.

A mail is sent when the server has taken it for at least one of its recipients. Whatever else happens is an error
that names the server, and never says a password: what a server answers to a login is not quoted at all.
"""

import base64
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import parseaddr

from koji_adjutant import names
from koji_adjutant.config import Config
from koji_adjutant.config.values import SmtpTls
from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.notify.mail import Mail, encode

NO_SERVER = "example.com"
"""The default of smtphost, which is nobody's mail server."""
READY = 220
LONGEST_ANSWER = 300
"""Characters of an answer that are quoted."""

logger = logging.getLogger("koji.adjutant.handlers.notify")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds that a server may take."""

    answer: float = 60
    whole: float = 300


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Who got a mail."""

    accepted: tuple[str, ...]
    refused: Mapping[str, str]
    """Who did not, and what the server says to that."""


def check_server(config: Config) -> None:
    """TaskFailed when no mail server is configured."""
    if _host(config).strip().lower().rstrip(".") in {"", NO_SERVER}:
        raise TaskFailed(
            f"no mail can be sent: option smtphost is {config.smtphost!r}",
            hint="set it to a mail server, or DisableNotifications at the hub",
        )
    if not parseaddr(config.from_addr)[1].isascii():
        raise TaskFailed("no mail can be sent: the address in option from_addr is not ASCII")


def send(config: Config, mail: Mail, *, moment: float, patience: Patience = Patience()) -> Sent:
    """Give the mail to the server; TaskFailed when nobody gets it."""
    check_server(config)
    good = [each for each in mail.recipients if is_address(each)]
    refused = {each: "it is no mail address" for each in mail.recipients if each not in good}
    message = encode(replace(mail, recipients=good), moment=moment)
    try:
        answers = _deliver(config, good, message, patience) if good else {}
    except smtplib.SMTPRecipientsRefused as error:
        answers = error.recipients
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise TaskFailed(
            f"no mail was sent: the server {config.smtphost} (option smtphost) {_reason(config, error)}"
        ) from None
    refused |= {each: _words(config, *answer) for each, answer in answers.items()}
    accepted = tuple(each for each in good if each not in refused)
    told = ", ".join(f"{names.shown(each)} ({why})" for each, why in refused.items())
    if not accepted:
        raise TaskFailed(f"no mail was sent: {config.smtphost} (option smtphost) takes none of {told}")
    if refused:
        logger.warning("mail server %s does not take %s", config.smtphost, told)
    return Sent(accepted=accepted, refused=refused)


def greet(config: Config, patience: Patience = Patience()) -> None:
    """Log in to the server as for a mail, and send none; TaskFailed, as of a mail, when that does not go."""
    check_server(config)
    try:
        with _connected(config, patience) as server:
            _log_in(server, config)
            server.quit()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise TaskFailed(
            f"no mail can be sent: the server {config.smtphost} (option smtphost) {_reason(config, error)}"
        ) from None


def is_address(text: object) -> bool:
    """Whether a mail server can be told of it."""
    return isinstance(text, str) and bool(text) and text.isascii() and text.isprintable()


def _host(config: Config) -> str:
    """The server without its port, as smtplib takes them apart."""
    host, colon, port = config.smtphost.partition(":")
    return config.smtphost if colon and ":" in port else host


def _deliver(
    config: Config, recipients: list[str], message: bytes, patience: Patience
) -> dict[str, tuple[int, bytes]]:
    """The answers to recipients that are refused, while another one is not."""
    with _connected(config, patience) as server:
        _log_in(server, config)
        answers = server.sendmail(config.from_addr, recipients, message)
        # It is sent: a server that goes away now changes nothing.
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
    return answers


def _log_in(server: smtplib.SMTP, config: Config) -> None:
    if config.smtp_user and config.smtp_pass is not None:
        server.login(config.smtp_user, config.smtp_pass)


@contextmanager
def _connected(config: Config, patience: Patience) -> Iterator[smtplib.SMTP]:
    """The server, with TLS where smtp_tls says so, for as long as patience lasts."""
    context = None if config.smtp_tls is SmtpTls.NO else ssl.create_default_context()
    if config.smtp_tls is SmtpTls.TLS:
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=patience.answer, context=context)
    else:
        server = smtplib.SMTP(timeout=patience.answer)
    # The name that a certificate has to be of. smtplib knows it only where its constructor connects, and then
    # nobody could end a greeting that never ends.
    server._host = _host(config)  # type: ignore[attr-defined]  # noqa: SLF001
    late = threading.Event()
    watch = threading.Timer(patience.whole, _cut, (server, late))
    watch.daemon = True
    watch.start()
    try:
        code, answer = server.connect(config.smtphost)
        if code != READY:
            raise smtplib.SMTPConnectError(code, answer)
        if context is not None and config.smtp_tls is SmtpTls.STARTTLS:
            server.starttls(context=context)
        yield server
    except (smtplib.SMTPException, OSError, ValueError):
        if late.is_set():
            raise TimeoutError(f"has not taken the mail in {patience.whole:g} s") from None
        raise
    finally:
        watch.cancel()
        server.close()


def _cut(server: smtplib.SMTP, late: threading.Event) -> None:
    """End a connection from outside: who reads from it finds it closed."""
    late.set()
    connection = server.sock
    if connection is not None:
        with suppress(OSError):
            # Not by the method of a TLS socket, which another thread is reading from.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _reason(config: Config, error: Exception) -> str:
    """What the server does instead of taking a mail."""
    match error:
        case smtplib.SMTPAuthenticationError():
            # What a server says to a login may have the password in it.
            what = f"refuses the login as {names.shown(config.smtp_user)}: {error.smtp_code}"
        case smtplib.SMTPResponseException():
            what = f"answers {_words(config, error.smtp_code, error.smtp_error)}"
        case UnicodeError():
            what = "is told nothing: smtp_user or smtp_pass is not ASCII"
        case TimeoutError():
            what = str(error) if str(error).startswith("has ") else "does not answer"
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
            what = "does not answer"
        case ssl.SSLError():
            what = f"and this host agree on no TLS: {error.reason or error}"
        case smtplib.SMTPServerDisconnected():
            what = f"ends the connection: {error}"
        case smtplib.SMTPNotSupportedError():
            what = f"lacks what is configured: {error}"
        case _:
            what = f"cannot be used: {error}"
    return what


def _words(config: Config, code: int, answer: bytes | str) -> str:
    """An answer of the server, without what must not be told."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    for secret in _secrets(config):
        text = text.replace(secret, "***")
    return f"{code} {names.one_line(text[:LONGEST_ANSWER])}"


def _secrets(config: Config) -> Iterator[str]:
    """The password as it is, and as it goes to the server."""
    if config.smtp_pass:
        yield config.smtp_pass
        for sent in (config.smtp_pass, f"\0{config.smtp_user}\0{config.smtp_pass}"):
            yield base64.b64encode(sent.encode()).decode("ascii")
