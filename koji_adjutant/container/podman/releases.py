"""Which releases of podman are worked with, and what is none: told by a header that every answer of podman has.

The one place that names the oldest and the newest. What is outside is used for nothing: it is not known what it does
with what a container asks for.
"""

import re

from koji_adjutant.errors import EngineUnsuitable, NoPodman

OLDEST, NEWEST_MAJOR = (4, 3), 5
"""The releases that the tests know."""
HEADER = "Libpod-API-Version"
_VERSION = re.compile(r"(\d+)\.(\d+)")


def check_release(socket: str, version: str) -> None:
    """EngineUnsuitable for a podman of this `version`, behind `socket`, that is not worked with."""
    found = _VERSION.match(version)
    numbers = (int(found[1]), int(found[2])) if found else (0, 0)
    oldest = ".".join(map(str, OLDEST))
    if numbers < OLDEST:
        raise EngineUnsuitable(
            f"podman at {socket} is {version}: too old", hint=f"install podman {oldest} or later"
        )
    if numbers[0] > NEWEST_MAJOR:
        raise EngineUnsuitable(
            f"podman at {socket} is {version}, and nobody has tried koji-adjutant with that",
            hint=f"install podman {oldest} to {NEWEST_MAJOR}, or a koji-adjutant that knows podman {numbers[0]}",
        )


def no_podman(socket: str, said: str) -> NoPodman:
    """The error for another program behind `socket`, which answers so."""
    return NoPodman(
        f"what answers at {socket} is no podman (docker's socket?): {said}",
        hint="set podman_socket to podman's own (systemctl enable --now podman.socket)",
    )
