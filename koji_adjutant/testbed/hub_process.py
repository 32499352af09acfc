"""The embedded hub as a process of the testbed's own, on two addresses: loopback, and the bridge's gateway.

Containers on the bridge see the gateway and not our loopback; there the hub serves files and nothing else. Ports are
chosen once and kept, because buildroots and repos remember their URLs.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.testbed import services
from koji_adjutant.testbed.layout import Layout, write_secret

HUB = "hub"
LOOPBACK = "127.0.0.1"
RUN_INTERVAL = 1.0
"""Seconds between two runs of the scheduler; Koji's own default is 60."""
READY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where a hub listens."""

    gateway: str
    port: int
    files_port: int

    @property
    def server(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/kojihub"

    @property
    def topurl(self) -> str:
        return f"http://{self.gateway}:{self.files_port}/kojifiles"


def choose_addresses(layout: Layout, gateway: str) -> Addresses:
    """The addresses of the hub: the ports of the last `up` of this testbed, else free ones."""
    kept = layout.hub / "ports"
    try:
        port, files_port = json.loads(kept.read_text())
    except FileNotFoundError:
        port, files_port = free_port(LOOPBACK), free_port(gateway)
        layout.hub.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([port, files_port]))
    return Addresses(gateway=gateway, port=port, files_port=files_port)


def start_hub(
    layout: Layout,
    addresses: Addresses,
    accounts: Mapping[str, object],
    *,
    run_interval: float = RUN_INTERVAL,
    latency: float = 0.0,
    mail_domain: str = "",
) -> services.Service:
    """Start the hub and wait until it answers on both addresses. Each request waits `latency` seconds first."""
    given = layout.hub / "accounts.json"
    write_secret(given, json.dumps(accounts))
    log = layout.logs / f"{HUB}.log"
    argv = [
        sys.executable,
        "-m",
        "koji_adjutant.testbed.hub",
        f"--dir={layout.hub}",
        f"--port={addresses.port}",
    ]
    argv += [f"--run-interval={run_interval}", f"--latency={latency}", f"--accounts={given}"]
    argv += [f"--mail-domain={mail_domain}"] if mail_domain else []
    argv += [f"--serve-files={addresses.gateway}:{addresses.files_port}"]
    process = services.start(argv, record=layout.record(HUB), log=log, environment=os.environ)
    try:
        _wait_until_listening(process, addresses, log)
    finally:
        given.unlink()
    return process


def _wait_until_listening(process: services.Service, addresses: Addresses, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    # The files are served last.
    while not _is_listening(addresses.gateway, addresses.files_port):
        if not process.is_running() or time.monotonic() > deadline:
            raise services.ServiceFailed(
                f"the hub did not start: {services.last_line(log)}", hint=f"see {log}"
            )
        time.sleep(0.02)


def _is_listening(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=1):
        return True
    return False


def free_port(address: str) -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
