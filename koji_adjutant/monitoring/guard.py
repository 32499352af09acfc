"""What stands before every answer: who may ask, by which name, with which method; and what a browser is told.

Without a token only this machine asks, and a page that a browser of this machine has loaded from elsewhere must not:
it could have the name of its own server point here (DNS rebinding), so that a name which is not ours is refused. With
a token names do not matter: a browser has none for that page. Nothing but GET and HEAD is answered. An ASGI wrapper; it
keeps nothing.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from koji_adjutant.host.bind import Bind
from koji_adjutant.monitoring.answers import Refused

METHODS = ("GET", "HEAD")
LONGEST_TARGET = 4096
"""Bytes of a path with its query."""
LONGEST_HEADERS = 12 * 1024
"""Bytes of their names and values."""
WITHOUT_TOKEN = frozenset({"/healthz"})
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Wraps an application. `refuse` makes the answer to a request that is not let through."""

    app: ASGIApp
    bind: Bind
    token_sha256: str
    policy: str
    """Content-Security-Policy of every answer."""
    refuse: Callable[[Refused], ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check(scope)
        except Refused as refused:
            app = self.refuse(refused)
        else:
            app = self.app
        await app(scope, receive, self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                own = (*HEADERS, NO_STORE, (b"content-security-policy", self.policy.encode()))
                headers += [(name, value) for name, value in own if name not in names]
                message = {**message, "headers": headers}
            await send(message)

        return wrapped

    def _check(self, scope: Scope) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] not in METHODS:
            raise Refused(405, "Nothing can be changed here", "use GET or HEAD", Allow=", ".join(METHODS))
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            raise Refused(414, "The address is too long")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
            raise Refused(431, "The headers are too long")
        if self.token_sha256:
            if scope["path"] not in WITHOUT_TOKEN and not is_token(
                headers.get("authorization", ""), self.token_sha256
            ):
                raise Refused(
                    401,
                    "The token is missing or wrong",
                    "send it as Authorization: Bearer, or as the password of Basic, with any user name",
                    WWW_Authenticate='Basic realm="koji-adjutant", charset="UTF-8"',
                )
        elif not is_own_name(headers.get("host", ""), self.bind):
            raise Refused(421, "This host has another name", "ask for localhost, or set a token")


def is_own_name(host: str, bind: Bind) -> bool:
    """Whether a `Host` header names this server. Over a unix socket it may have any name: no browser gets there."""
    if bind.path:
        return True
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name = host
    return name.strip("[]").rstrip(".").lower() in {*_OWN_NAMES, bind.host.lower()}


def is_token(authorization: str, token_sha256: str) -> bool:
    """Whether an `Authorization` header has the token; how long that takes says nothing of it."""
    kind, _, said = authorization.partition(" ")
    given = said.strip().encode("latin-1")
    if kind.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
    elif kind.lower() != "bearer":
        return False
    return hmac.compare_digest(hashlib.sha256(given).hexdigest(), token_sha256.lower())
