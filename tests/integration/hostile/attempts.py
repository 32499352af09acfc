"""What hostile code tries, by name, and what came of it.

The words are those of data/attack.c; a name in braces is one of the host's things, that a test run has to fill in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TOOLS = "/usr/libexec/hostile"
ATTACK = f"{TOOLS}/attack"
_LINE = re.compile(r"^attack (\S+) (trying|succeeded|refused|broken) ?(.*)$", re.MULTILINE)
_CAP_SYS_ADMIN = 21

NETWORK: Mapping[str, str] = MappingProxyType(
    {
        "tcp to loopback": "tcp={tcp_loopback}",
        "tcp to the bridge's gateway": "tcp={tcp_gateway}",
        "udp to loopback": "udp={udp_loopback}",
        "udp to the bridge's gateway": "udp={udp_gateway}",
        "an abstract socket of the host": "unix={abstract}",
        "raw packets": "packet",
    }
)
HOST: Mapping[str, str] = MappingProxyType(
    {
        "the hub": "tcp={hub}",
        "the podman socket": "unix={podman}",
        "the topdir": "read={topdir}",
        "the daemon's configuration": "read={conf}",
        "the daemon's state": "read={state}",
        "the shared package cache": "read={cache}",
        "other tasks' files": "read={work}",
        "the engine's storage": "read={storage}",
        "a file of the host": "read={secret}",
        "the daemon's environment and command line": "search={conf}",
        "tracing a process of the host": "trace={process}",
        "a signal to a process of the host": "signal={process}",
    }
)
KERNEL: Mapping[str, str] = MappingProxyType(
    {
        "core_pattern of every proc": "proc=sys/kernel/core_pattern",
        "sysrq-trigger of every proc": "proc=sysrq-trigger",
        "the kernel's memory": "read=/proc/kcore",
        "a device node of memory": "device=c",
        "a device node of a disk": "device=b",
        "a file by its handle": "handle",
        "a directory left open": "left-open",
        "a new tmpfs": "mount=tmpfs",
        "a new proc": "mount=proc",
        "a bind mount": "bind=/proc",
        "proc made writable": "remount=/proc/sys",
        "proc laid bare": "unmount=/proc/sys",
        "a new mount namespace": "unshare=mount",
        "a new network namespace": "unshare=network",
        "a new user namespace": "unshare=user",
        "a new user namespace by clone": "clone",
        "a new user namespace by clone3": "clone3",
        "the mount namespace of PID 1": "enter=/proc/1/ns/mnt",
        "a capability": f"capability={_CAP_SYS_ADMIN}",
        "a kernel module": "module",
        "another kernel": "kernel",
        "a program in the kernel": "bpf",
        "another host name": "hostname",
    }
)
OF_A_BUILD: Mapping[str, str] = MappingProxyType(
    {
        "the task image": "read=/usr/bin/createrepo_c",
        "the buildroot's users": "write=/etc/passwd",
        "the buildroot's rpm": "write=/usr/bin/rpm",
        "a file in the root": "create=/hostile-token",
        "a file below /etc": "create=/etc/hostile-token",
        "uid 0": "root",
        "a setuid binary of a BuildRequires": f"program={TOOLS}/suid",
        "a binary with capabilities of a BuildRequires": f"program={TOOLS}/able",
    }
)
OF_A_SCRIPTLET: Mapping[str, str] = MappingProxyType(
    {
        "the packages, made writable": "remount=/packages",
        "a package that is installed": "write-all=/packages",
        "one more package": "create=/packages/hostile.rpm",
    }
)
LEAVE = "leave=/packages"
IN_ITS_OWN_LAYER = (
    "replace=/usr/bin/rpm",
    "create=/usr/bin/hostile-token",
    "create=/buildroot/hostile-token",
)
"""What root in a container may do: it goes with the container."""
BUILD = MappingProxyType({**NETWORK, **HOST, **KERNEL, **OF_A_BUILD})
SCRIPTLET = MappingProxyType({**NETWORK, **HOST, **KERNEL, **OF_A_SCRIPTLET})


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of an attempt: `succeeded` or `refused`, and what or why."""

    how: str
    detail: str


def results_in(text: str) -> dict[str, Result]:
    """By the word that was tried. An outcome without an attempt is none."""
    found: dict[str, Result] = {}
    tried: set[str] = set()
    for word, how, detail in _LINE.findall(text):
        if how == "trying":
            tried.add(word)
        elif word in tried:
            found[word] = Result(how=how, detail=detail)
    return found
