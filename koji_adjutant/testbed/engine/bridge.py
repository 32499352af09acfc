"""The bridge of a testbed's network: it exists from `raise_bridge` to `lower_bridge`, containers or none.

The engine takes its bridge away with the last container on it. One end of a veth pair stays plugged into ours, so
that the gateway's address, at which the testbed serves files, is there all the time.
"""

import hashlib
import ipaddress
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.errors import EngineError

LINKS = Path("/sys/class/net")
NFT_TABLE = ("inet", "netavark")
"""Where netavark 1.10 and later keeps the rules of all networks of this host, if it was made to use nft."""
POOL = ipaddress.ip_network("10.192.0.0/10")
PREFIX_LENGTH = 24


@dataclass(frozen=True, kw_only=True)
class Bridge:
    """Names and addresses; all derived from the directory, but the subnet, which also has to be free."""

    name: str
    subnet: str

    @property
    def gateway(self) -> str:
        """The address of the bridge itself."""
        return str(next(ipaddress.ip_network(self.subnet).hosts()))

    @property
    def hardware_address(self) -> str:
        """Its own. Without one a bridge takes the lowest of its ports', and containers that come and go change it."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return ":".join(["02", *(digest[at : at + 2] for at in range(0, 10, 2))])

    @property
    def plugs(self) -> tuple[str, str]:
        """The veth pair that keeps the bridge; the first one is plugged in."""
        return f"{self.name}k", f"{self.name}p"


def bridge_for(directory: Path) -> Bridge:
    """A name of its own and a subnet that this host does not use."""
    digest = hashlib.sha256(str(directory).encode()).digest()
    taken = list(networks_in_use())
    for network in _candidates(int.from_bytes(digest[:4])):
        if not any(network.overlaps(other) for other in taken):
            return Bridge(name=f"adj{digest.hex()[:8]}", subnet=str(network))
    raise EngineError(f"no /{PREFIX_LENGTH} network of {POOL} is free on this host")


def _candidates(start: int) -> Iterator[ipaddress.IPv4Network]:
    count = 1 << (PREFIX_LENGTH - POOL.prefixlen)
    step = 1 << (32 - PREFIX_LENGTH)
    for offset in range(count):
        address = int(POOL.network_address) + (start + offset) % count * step
        yield ipaddress.IPv4Network((address, PREFIX_LENGTH))


def networks_in_use() -> Iterator[ipaddress.IPv4Network]:
    """Networks that this host has an address in or a route to."""
    for route in json.loads(_ip("-json", "-4", "route", "show", "table", "all")):
        with suppress(ValueError, KeyError):
            yield ipaddress.IPv4Network(route["dst"], strict=False)


def network_file(bridge: Bridge) -> Mapping[str, Any]:
    """The network as the engine keeps one. No command of its makes this for a default network."""
    return {
        "name": bridge.name,
        "id": hashlib.sha256(bridge.name.encode()).hexdigest(),
        "driver": "bridge",
        "network_interface": bridge.name,
        "created": "1970-01-01T00:00:00Z",
        "subnets": [{"subnet": bridge.subnet, "gateway": bridge.gateway}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }


def raise_bridge(bridge: Bridge) -> None:
    """Make the bridge with its address, and plug into it what keeps it there. Makes it anew if need be."""
    lower_bridge(bridge)
    plugged, other = bridge.plugs
    _ip("link", "add", bridge.name, "address", bridge.hardware_address, "type", "bridge")
    _ip("address", "add", f"{bridge.gateway}/{PREFIX_LENGTH}", "dev", bridge.name)
    _ip("link", "add", plugged, "type", "veth", "peer", "name", other)
    _ip("link", "set", plugged, "master", bridge.name)
    for link in (bridge.name, plugged, other):
        _ip("link", "set", link, "up")


def lower_bridge(bridge: Bridge) -> None:
    """Take the bridge and all that was made for it away; nothing where there is nothing."""
    for link in (bridge.plugs[0], bridge.name):
        if (LINKS / link).exists():
            _ip("link", "delete", link)
    for table in ("filter", "nat"):
        _remove_rules(table, bridge.subnet)
    _remove_nft_rules(bridge)


def extra_links(bridge: Bridge) -> list[str]:
    """Links on the bridge that belong to containers."""
    ports = LINKS / bridge.name / "brif"
    return (
        sorted(port.name for port in ports.iterdir() if port.name not in bridge.plugs)
        if ports.exists()
        else []
    )


def _remove_rules(table: str, subnet: str) -> None:
    # The engine's own teardown never comes while something is plugged in.
    if shutil.which("iptables") is None:
        return
    rules = [line for line in _iptables(table, "-S").splitlines() if f" {subnet} " in line]
    chains = {chain for line in rules for chain in re.findall(r"-j (NETAVARK-[0-9A-F]+)\b", line)}
    for rule in rules:
        if rule.startswith("-A "):
            _iptables(table, "-D", *rule.split()[1:])
    for chain in chains:
        _iptables(table, "-F", chain)
        _iptables(table, "-X", chain)


def _remove_nft_rules(bridge: Bridge) -> None:
    if shutil.which("nft") is None or f"table {' '.join(NFT_TABLE)}" not in _run("nft", "list", "tables"):
        return
    rules, chains = nft_rules(_run("nft", "--handle", "list", "table", *NFT_TABLE), bridge)
    for chain, handle in rules:
        _run("nft", "delete", "rule", *NFT_TABLE, chain, "handle", handle)
    for chain in chains:
        _run("nft", "delete", "chain", *NFT_TABLE, chain)


def nft_rules(listing: str, bridge: Bridge) -> tuple[list[tuple[str, str]], list[str]]:
    """Chain and handle of every rule of a network in a listing of the table, and the chains of its own. Pure."""
    own = re.compile(rf"nv_[0-9a-f]+_{bridge.subnet.partition('/')[0].replace('.', '_')}_nm\d+")
    rules, chains, chain = [], [], ""
    for line in listing.splitlines():
        if opened := re.match(r"\s*chain (\S+) \{", line):
            chain = opened[1]
            if own.fullmatch(chain):
                chains.append(chain)
        elif numbered := re.match(r"\s*(.*) # handle (\d+)$", line):
            words = numbered[1].replace('"', " ").split()
            if (
                chain in chains
                or bridge.subnet in words
                or bridge.name in words
                or any(map(own.fullmatch, words))
            ):
                rules.append((chain, numbered[2]))
    return rules, chains


def _iptables(table: str, *arguments: str) -> str:
    return _run("iptables", "--wait", "--table", table, *arguments)


def _ip(*arguments: str) -> str:
    return _run("ip", *arguments)


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(
            f"{' '.join(argv)} failed: {done.stderr.strip()}", hint="the testbed has to run as root"
        )
    return done.stdout
