"""Checks of what the hub has written down of this host: enabled, channels, arches, refusals, when it was heard of."""

import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import koji

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.configuration import some
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.host.machines import runs_here

REFUSAL_SECONDS = 900.0
"""A hub's SoftRefusalTimeout, where nobody has changed it."""
FREE, ASSIGNED = koji.TASK_STATES["FREE"], koji.TASK_STATES["ASSIGNED"]
SILENT_WARNING, SILENT_FAILURE = 60.0, 180.0
"""After 180 s a hub gives no more tasks."""
FIELDS = ["task_id", "soft", "by_host", "msg", "ts", "method", "state"]


def _enabled(on: Surroundings) -> Finding:
    name = on.host["name"]
    if not on.host["enabled"]:
        return failure(f"host {name} is disabled: it gets no tasks", f"koji enable-host {name}")
    if not on.host["capacity"]:
        return failure(f"host {name} has no capacity", f"koji edit-host --capacity=2 {name}")
    return ok(f"host {name} is enabled, capacity {on.host['capacity']:g}")


def _channels(on: Surroundings) -> Finding:
    name = on.host["name"]
    enabled = [str(one["name"]) for one in on.channels if one.get("enabled", True)]
    disabled = [str(one["name"]) for one in on.channels if not one.get("enabled", True)]
    if not on.channels:
        return failure(f"host {name} is in no channel", f"koji add-host-to-channel {name} default")
    if not enabled:
        return failure(
            f"all channels of host {name} are disabled: {', '.join(disabled)}", "koji enable-channel"
        )
    text = f"host {name} is in {', '.join(enabled)}"
    if disabled:
        return warning(
            f"{text}; disabled: {', '.join(disabled)}", "koji enable-channel, if that is not meant"
        )
    return ok(text)


def _arches(on: Surroundings) -> Finding:
    name, offered = on.host["name"], str(on.host["arches"] or "").split()
    machine = platform.machine()
    if not offered:
        return failure(f"host {name} offers no architecture", f"koji edit-host --arches={machine} {name}")
    with tempfile.TemporaryDirectory(prefix="koji-adjutant-doctor-") as directory:
        wrong = [arch for arch in offered if not runs_here(arch, Path(directory))]
    if wrong:
        return failure(
            f"host {name} offers {' '.join(offered)}; programs for {' '.join(wrong)} do not run on this {machine}",
            f"koji edit-host --arches='{machine}' {name}, or register an interpreter (qemu-user-static)",
        )
    return ok(f"host {name} offers {' '.join(offered)}; this machine is {machine}")


def _refusals(on: Surroundings) -> Finding:
    found = on.ask("scheduler.getTaskRefusals", [["host_id", "=", on.host["id"]]], FIELDS)
    now = time.time()
    held = [
        _told(one)
        for one in found
        if one["state"] in {FREE, ASSIGNED} and (not one["soft"] or one["ts"] + REFUSAL_SECONDS > now)
    ]
    if held:
        return warning(
            f"{len(held)} waiting tasks are barred from this host: {some(held)}",
            "correct what is named; what has an end is tried again then, the rest goes to other hosts only",
        )
    return ok("no waiting task is barred from this host")


def _told(refusal: dict[str, object]) -> str:
    end = datetime.fromtimestamp(float(str(refusal["ts"])) + REFUSAL_SECONDS, UTC)
    until = f"until {end:%H:%M} UTC" if refusal["soft"] else "for ever"
    return f"task {refusal['task_id']} ({refusal['method']}) {until}: {refusal['msg']}"


def _heard_of(on: Surroundings) -> Finding:
    last = on.ask("getLastHostUpdate", on.host["id"], ts=True)
    if on.main is None:
        return failure("no daemon runs: the host takes no tasks", "systemctl enable --now kojid")
    if on.facts is not None and on.facts.last_poll:
        last = on.facts.last_poll
    silent = time.time() - float(last or 0.0)
    if not last or silent > SILENT_FAILURE:
        return failure(
            f"the daemon has not polled for {silent:.0f} s"
            if last
            else "the hub has never heard of this host",
            "its log says what it waits for",
        )
    text = f"the last poll was {max(0.0, silent):.0f} s ago"
    limit = max(SILENT_WARNING, 3.0 * on.config.sleeptime)
    return warning(text, "see the daemon's log") if silent > limit else ok(text)


_NEEDS = ("hub.login-name",)
CHECKS = (
    Check(id="host.enabled", title="Host is enabled", look=_enabled, needs=_NEEDS),
    Check(id="host.channels", title="Channels", look=_channels, needs=_NEEDS),
    Check(id="host.arches", title="Architectures", look=_arches, needs=_NEEDS),
    Check(id="host.refusals", title="Refusals", look=_refusals, needs=_NEEDS),
    Check(id="host.last-poll", title="Last poll", look=_heard_of, needs=_NEEDS),
)
