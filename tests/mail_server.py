"""A real mail server on loopback, which keeps what it is sent: with logins, with TLS, and with moods.

It runs in a thread of its own from `mail_server` on until the end of the block.
"""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "buildsys", "m-secret-7"


@dataclass(frozen=True, kw_only=True)
class Received:
    """A mail that was taken, and for whom."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    over_tls: bool

    @property
    def message(self) -> EmailMessage:
        """As Python's own parser reads it."""
        return message_from_bytes(self.data, policy=policy.default)

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass(kw_only=True)
class MailServer:
    """`refused` are recipients that it does not take; `answers` are its answers to commands that it refuses."""

    wants_login: bool
    port: int = 0
    received: list[Received] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # The names of aiosmtpd's hooks.
    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, sender: str, options: Any) -> str:  # noqa: N802
        if self.wants_login and not session.authenticated:
            return "530 log in first"
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = sender
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:  # noqa: N802
        if to in self.refused:
            return self.refused[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.received.append(
            Received(
                sender=envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
                data=envelope.original_content,
                over_tls=session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            )
        )
        return "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "QUIT" in self.answers:
            server.transport.close()
        return "221 Bye"

    def log_in(
        self, server: Any, session: Any, envelope: Any, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        self.logins.append((login.login, login.password))
        if (login.login, login.password) == (USER.encode(), PASSWORD.encode()):
            return AuthResult(success=True)
        # As no server should answer, and some do.
        return AuthResult(
            success=False, handled=False, message=f"535 {login.password.decode()} is not the password"
        )


@contextmanager
def mail_server(
    *, login: bool = False, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """A server that wants a login, speaks TLS from the start, or wants STARTTLS."""
    made = MailServer(wants_login=login)

    def connection() -> SMTP:
        return SMTP(
            made,
            hostname="mail.test",
            ident="mail",
            data_size_limit=1 << 20,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=False,
            authenticator=made.log_in,
        )

    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(connection, "127.0.0.1", 0, ssl=tls))
    made.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
