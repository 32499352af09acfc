"""Where a server of this host listens: `127.0.0.1:8080`, `[::1]:8080`, `unix:/path`, or the path alone. Pure."""

import ipaddress
import re
from dataclasses import dataclass

UNIX = "unix:"
MOST_PATH = 107
"""Bytes of the name of a unix socket."""
_PORTS = range(1, 65536)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LOCALHOST = "localhost"


@dataclass(frozen=True, kw_only=True)
class Bind:
    """A host and a port, or the path of a unix socket; the other is empty."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it."""
        if self.path or self.host == _LOCALHOST:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.path:
            return UNIX + self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_bind(text: str) -> Bind:
    """What `text` says; ValueError tells what would be good."""
    path = text.removeprefix(UNIX)
    if path.startswith("/") and "\0" not in path:
        if len(path.encode(errors="surrogateescape")) > MOST_PATH:
            raise ValueError(f"the path of a socket has at most {MOST_PATH} bytes")
        return Bind(path=path)
    host, colon, port = text.rpartition(":")
    if not (colon and _PORT.fullmatch(port) and int(port) in _PORTS and _is_host(host)):
        raise ValueError(
            "expected an address such as 127.0.0.1:8080 or [::1]:8080, or unix:/path of a socket"
        )
    return Bind(host=host.strip("[]"), port=int(port))


def _is_host(text: str) -> bool:
    if text.startswith("[") and text.endswith("]"):
        try:
            return bool(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            return False
    return bool(_HOST.fullmatch(text))
