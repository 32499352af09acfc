"""Kerberos at the hub's login path: what a web server in front of a real hub does, with a keytab."""

import base64
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEME = "Negotiate"


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Who a client is, and the token that shows it who we are."""

    principal: str
    answer: str


class Acceptor:
    """Takes tickets for the keys of a keytab."""

    def __init__(self, keytab: Path) -> None:
        self._gssapi: Any = importlib.import_module("gssapi")
        self._credentials = self._gssapi.Credentials(usage="accept", store={"keytab": str(keytab)})

    def accept(self, authorization: str) -> Accepted | None:
        """What an Authorization header shows; None when there is no ticket in it that counts."""
        scheme, _, token = authorization.partition(" ")
        if scheme != SCHEME:
            return None
        context = self._gssapi.SecurityContext(creds=self._credentials, usage="accept")
        try:
            answer = context.step(base64.b64decode(token)) or b""
        except (ValueError, self._gssapi.exceptions.GSSError):
            return None
        return Accepted(
            principal=str(context.initiator_name), answer=base64.b64encode(answer).decode("ascii")
        )
