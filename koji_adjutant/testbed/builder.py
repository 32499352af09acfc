"""The testbed's build host: its kojid.conf, and the daemon that runs with it.

All that a build host has in /etc, /var/lib, /var/tmp and /var/log is below the testbed's directory.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.host import systemd
from koji_adjutant.testbed import services
from koji_adjutant.testbed.content import HOST
from koji_adjutant.testbed.hub_process import LOOPBACK, free_port
from koji_adjutant.testbed.layout import Layout, write_secret

DAEMON = "kojid"
OF_UNITS = frozenset({systemd.VARIABLE, systemd.INVOCATION, systemd.WATCHDOG})
"""Variables by which a daemon knows that it is a unit of systemd's, which the testbed's is not."""


@dataclass(frozen=True, kw_only=True)
class BuildHost:
    """What a daemon has to be told about its surroundings."""

    server: str
    topurl: str
    topdir: Path
    password: str
    podman_socket: Path
    task_image: str
    solver_network: str
    kojid: Mapping[str, str]
    """Further options of section [kojid]."""
    adjutant: Mapping[str, str]
    """Further options of section [adjutant]."""


def write_kojid_conf(layout: Layout, host: BuildHost) -> None:
    """The daemon's configuration, readable by us alone: it holds a password."""
    kojid = {
        "server": host.server,
        "topurl": host.topurl,
        "topdir": str(host.topdir),
        "workdir": str(layout.builder / "work"),
        "user": HOST,
        "password": host.password,
        "sleeptime": "1",
        "minspace": "1024",
        "maxjobs": "6",
        "retry_interval": "1",
        "max_retries": "30",
        # From anywhere, with nothing beside it and nothing to fetch.
        "allowed_scms": "*:*:no:",
        **host.kojid,
    }
    adjutant = {
        "podman_socket": str(host.podman_socket),
        "task_image_default": host.task_image,
        "image_pull_policy": "never",
        "solver_network": host.solver_network,
        # The testbed is the same on every host.
        "mock_site_defaults": "",
        # What it says on standard error is kept in the testbed's own logs.
        "log_file": "",
        # Tests run on busy machines; a build host would rather wait.
        "max_load_per_cpu": "1000",
        "state_dir": str(layout.state_dir),
        "monitoring_enabled": "yes",
        "monitoring_bind": status_address(layout),
        **host.adjutant,
    }
    write_secret(layout.kojid_conf, _section("kojid", kojid) + "\n" + _section("adjutant", adjutant))


def status_address(layout: Layout) -> str:
    """Where the status server of the build host listens: chosen once and kept."""
    kept = layout.builder / "status-address"
    try:
        return kept.read_text()
    except FileNotFoundError:
        layout.builder.mkdir(parents=True, exist_ok=True)
        kept.write_text(f"{LOOPBACK}:{free_port(LOOPBACK)}")
        return kept.read_text()


def start_daemon(layout: Layout, programs: Path | None = None) -> services.Service:
    """`kojid` in the foreground of a session of its own, that of `programs` or of this installation."""
    kojid = (programs or Path(sys.executable).parent) / DAEMON
    argv = [str(kojid), "--fg", "--verbose", f"--config={layout.kojid_conf}"]
    return services.start(
        argv,
        record=layout.record(DAEMON),
        log=log_of(layout),
        environment={key: value for key, value in os.environ.items() if key not in OF_UNITS},
    )


def log_of(layout: Layout) -> Path:
    """What the daemon says: all of it goes to standard error."""
    return layout.logs / f"{DAEMON}.stderr"


def _section(name: str, options: Mapping[str, str]) -> str:
    return "".join([f"[{name}]\n", *(f"{key} = {value}\n" for key, value in options.items())])
