"""What ssh of the daemon's user knows on this host, as files for a checkout: keys, known hosts, configuration.

Nothing is asked of anybody in a checkout: a server whose key is not among the known hosts is refused, as it is by an
ssh without a terminal, unless the configuration says otherwise. The configuration is ssh's own (`ssh -F`), since a
container's user has another home than the one that ssh would look into. Pure but for the files that it reads.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.policy.scm.host_files import Found, State, read

DIRECTORY_OPTION, KNOWN_HOSTS_OPTION = "scm_ssh_dir", "scm_known_hosts"
CONFIG, KNOWN_HOSTS, MORE_KNOWN_HOSTS = "config", "known_hosts", "known_hosts.host"
OTHER_KNOWN_HOSTS = "known_hosts2"
LEFT_OUT = frozenset({"authorized_keys", "authorized_keys2", "environment", "rc"})
"""What is for those who log in here."""
MOST_FILES = 100
SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")
"""Those that ssh tries without being told."""
_INCLUDE = re.compile(r"^(\s*Include(?:\s+|\s*=\s*))(?=[^/~\s\"])", re.MULTILINE | re.IGNORECASE)
_HEAD = """\
Host *
    BatchMode yes
"""
_TAIL = """\

Match all
    ConnectTimeout 60
    ServerAliveInterval 30
    ServerAliveCountMax 20
"""


@dataclass(frozen=True, kw_only=True)
class SshFiles:
    """Files for a directory of the container, and the command that reads them."""

    files: dict[str, bytes]
    command: str
    found: tuple[Found, ...]
    knows_hosts: bool
    """Whether there are any known hosts."""


def ssh_files(directory: Path | None, known_hosts: Path | None, target: str, command: str = "") -> SshFiles:
    """What is in `directory` and `known_hosts`, as it has to be to work at `target` of a container.

    `command` is the one that git's configuration has, if any; what it says goes before what we add.
    """
    files: dict[str, bytes] = {}
    found: list[Found] = []
    if directory is not None:
        own, places = _files_in(directory.expanduser())
        files |= own
        found += places
    if known_hosts is not None:
        more = read(KNOWN_HOSTS_OPTION, known_hosts)
        found.append(more.found)
        if more.given:
            files[MORE_KNOWN_HOSTS] = more.content
    knows = any(files.get(name) for name in (KNOWN_HOSTS, OTHER_KNOWN_HOSTS, MORE_KNOWN_HOSTS))
    here = str(directory.expanduser()) if directory else ""
    files[CONFIG] = _configuration(files, here, target)
    return SshFiles(
        files=files,
        command=_command(_moved(command or "ssh", here, target), target),
        found=tuple(found),
        knows_hosts=knows,
    )


def _files_in(directory: Path) -> tuple[dict[str, bytes], list[Found]]:
    """The files of a directory; of what was found, the directory itself, and what cannot be read of it."""
    try:
        inside = sorted(directory.iterdir())[:MOST_FILES]
    except FileNotFoundError:
        return {}, [Found(option=DIRECTORY_OPTION, path=directory, state=State.ABSENT)]
    except OSError:
        return {}, [Found(option=DIRECTORY_OPTION, path=directory, state=State.UNREADABLE)]
    given: dict[str, bytes] = {}
    refused: list[Found] = []
    for path in inside:
        if path.name in LEFT_OUT or path.is_dir():
            continue
        file = read(DIRECTORY_OPTION, path)
        if file.given:
            given[path.name] = file.content
        elif file.found.state is State.UNREADABLE:
            refused.append(file.found)
    note = f"files for checkouts: {', '.join(sorted(given)) or 'none'}"
    return given, [Found(option=DIRECTORY_OPTION, path=directory, state=State.GIVEN, note=note), *refused]


def _configuration(files: dict[str, bytes], here: str, target: str) -> bytes:
    """The user's configuration between what holds for all, and what is there without one."""
    own = _moved(files.get(CONFIG, b"").decode(errors="surrogateescape"), here, target)
    own = _INCLUDE.sub(rf"\g<1>{target}/", own)
    keys = "".join(f"    IdentityFile {target}/{name}\n" for name in KEYS if name in files)
    known = f"    UserKnownHostsFile {target}/{KNOWN_HOSTS} {target}/{OTHER_KNOWN_HOSTS}\n"
    every = f"    GlobalKnownHostsFile {target}/{MORE_KNOWN_HOSTS} {SYSTEM_KNOWN_HOSTS}\n"
    whole = f"{_HEAD}{own}{_TAIL}{keys}{known}{every}Include {SYSTEM_CONFIG}\n"
    return whole.encode(errors="surrogateescape")


def _command(command: str, target: str) -> str:
    """`command` with our configuration, unless it names one."""
    return command if " -F" in command else f"{command} -F {shlex.quote(f'{target}/{CONFIG}')}"


def _moved(text: str, here: str, target: str) -> str:
    """`text` with the directory of the files where it is in the container, as far as it names it."""
    for known in filter(None, (here, "~/.ssh", "%d/.ssh")):
        text = re.sub(rf"{re.escape(known)}(?=[/\s\"']|$)", target, text)
    return text
