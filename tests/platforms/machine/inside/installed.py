"""The machine becomes a build host, by the commands of operating.md, word for word."""

from tests.integration.docs.test_commands import INSTALL, OPERATING, sections
from tests.platforms.machine.inside.host import SLOW, Host, build_host, shell
from tests.waiting import eventually

OTHERS = ("pip ", "podman build ", "systemctl disable ")
"""What the image has already, and kojid, which it has not."""


def commands() -> tuple[list[str], str]:
    """Those that install and start the service, and the one that looks whether all is well."""
    ours = [line for line in sections(OPERATING)[INSTALL] if not line.startswith(OTHERS)]
    assert len(ours) == 8
    *before, doctor = ours
    return before, doctor


def installed_host() -> Host:
    """A host whose service runs, and that the hub knows to be ready."""
    before, _ = commands()
    shell(before)
    host = build_host()
    eventually(host.is_ready, "the hub knows that the host is ready", seconds=SLOW)
    return host
