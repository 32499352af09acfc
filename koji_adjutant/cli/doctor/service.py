"""Checks of the services around the daemon: the unit that systemd has of it, and the status server."""

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.daemon import FIRST_LOOK_SECONDS, is_new
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.host.bind import Bind, read_bind
from koji_adjutant.journal.public import MONITORING, MonitoringFacts, public_directory, read_facts

UNIT = "kojid.service"
SECONDS = 10.0
PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "UnitFileState",
    "FragmentPath",
    "NeedDaemonReload",
    "KillMode",
    "ProtectSystem",
    "ProtectHome",
    "ReadWritePaths",
    "PrivateTmp",
    "PrivateNetwork",
)
PROTECTED: Mapping[str, tuple[str, ...]] = {
    "yes": ("/usr", "/boot", "/efi"),
    "full": ("/usr", "/boot", "/efi", "/etc"),
    "strict": ("/",),
}
HOMES = ("/home", "/root", "/run/user")


def _unit(on: Surroundings) -> Finding:
    said = _properties(on.environment)
    if said is None:
        return ok("no systemd here")
    if said["LoadState"] == "not-found":
        return warning(f"there is no {UNIT}", "koji-adjutant install-units, systemctl daemon-reload")
    return _state_of(said)


def _state_of(said: Mapping[str, str]) -> Finding:
    state = f"{UNIT} is {said['ActiveState']} ({said['SubState']}), {said['UnitFileState']}"
    if said["NeedDaemonReload"] == "yes":
        return warning(f"{state}; its file has changed since it was read", "systemctl daemon-reload")
    if said["ActiveState"] == "failed":
        return failure(f"{state}, {said['Result']}", f"journalctl -u {UNIT} says why")
    if said["ActiveState"] != "active":
        return failure(state, f"systemctl enable --now {UNIT}")
    if said["UnitFileState"] not in {"enabled", "static"}:
        return warning(f"{state}: it is not started at the next boot", f"systemctl enable {UNIT}")
    return ok(f"{state}, from {said['FragmentPath']}")


def _hardening(on: Surroundings) -> Finding:
    said = _properties(on.environment)
    if said is None or said["LoadState"] == "not-found":
        return ok("no unit of systemd keeps the daemon from anything")
    config = on.config
    open_again = [Path(word.lstrip("-+")) for word in said["ReadWritePaths"].split()]
    closed = [Path(one) for one in PROTECTED.get(said["ProtectSystem"], ())]
    closed += [Path(one) for one in HOMES] if said["ProtectHome"] not in {"no", ""} else []
    places = {"workdir": Path(config.workdir), "state_dir": config.state_dir, "cache_dir": config.cache_dir}
    if config.log_file:
        places["log_file"] = config.log_file
    wrong = [
        f"{option} {path}"
        for option, path in places.items()
        if any(path.is_relative_to(one) for one in closed)
        and not any(path.is_relative_to(one) for one in open_again)
    ]
    if wrong:
        return failure(
            f"{UNIT} cannot write {', '.join(wrong)}", "ReadWritePaths= in a drop-in (systemctl edit kojid)"
        )
    if said["PrivateNetwork"] == "yes" or said["KillMode"] not in {"process", ""}:
        return failure(
            f"a drop-in of {UNIT} has PrivateNetwork={said['PrivateNetwork']}, KillMode={said['KillMode']}",
            "KillMode=process, else a restart after a crash ends all builds; and no PrivateNetwork",
        )
    if said["PrivateTmp"] == "yes" and any(path.is_relative_to("/var/tmp") for path in places.values()):  # noqa: S108
        return failure(
            f"{UNIT} has PrivateTmp: podman does not see {config.workdir}",
            "workdir elsewhere, or PrivateTmp=no",
        )
    return ok(f"{UNIT} leaves the daemon what it writes")


def _properties(environment: Mapping[str, str]) -> dict[str, str] | None:
    """What systemd says of the unit; None where there is no systemd."""
    systemctl = shutil.which("systemctl", path=environment.get("PATH", os.defpath))
    if systemctl is None:
        return None
    argv = [systemctl, "show", UNIT, f"--property={','.join(PROPERTIES)}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        return None
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if "LoadState" not in found:
        # Whatever answers, it is not systemd, which says so of every unit.
        return None
    return {name: found.get(name, "") for name in PROPERTIES}


def _status_server(on: Surroundings) -> Finding:
    config = on.config
    if not config.monitoring_enabled:
        return ok("monitoring_enabled is no")
    facts = read_facts(MonitoringFacts, public_directory(config.state_dir) / MONITORING)
    bind = read_bind(facts.bind) if facts else config.monitoring_bind
    hint = "systemctl enable --now kojid-status; its log says why it ended"
    try:
        status = _asked_patiently(bind, is_new=is_new(on.main))
    except (OSError, http.client.HTTPException) as error:
        return failure(f"the status server at {bind} cannot be reached: {error}", hint)
    if status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}:
        return ok(f"the status server answers at {bind}")
    return failure(f"what answers at {bind} is no status server: HTTP {status}", hint)


def _asked_patiently(bind: Bind, *, is_new: bool) -> int:
    """What it answers; one whose daemon has just started is given a moment."""
    until = time.monotonic() + (FIRST_LOOK_SECONDS if is_new else 0.0)
    while True:
        try:
            return _asked(bind)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(FIRST_LOOK_SECONDS / 40)


def _asked(bind: Bind) -> int:
    connection = http.client.HTTPConnection(bind.host or "localhost", bind.port or None, timeout=SECONDS)
    if bind.path:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SECONDS)
        connection.sock.connect(bind.path)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


CHECKS = (
    Check(id="service.unit", title="Unit of systemd", look=_unit, needs=("config.file",)),
    Check(id="service.hardening", title="Hardening of the unit", look=_hardening, needs=("config.file",)),
    Check(id="service.status-server", title="Status server", look=_status_server, needs=("config.file",)),
)
