"""A host in one sentence, and its obstacles in an operator's words: the one table of status, pages, metrics, doctor.

Pure; nothing here has a lifetime.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from koji_adjutant.journal.state import Obstacle
from koji_adjutant.names import one_line

DAEMON, HUB = "daemon", "hub"
"""Obstacles that no main process says of itself: none lives, or the hub is away."""
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, kw_only=True)
class Advice:
    """An obstacle for people."""

    title: str
    """Continues "takes no task: "."""
    what_to_do: str


ADVICE: Mapping[str, Advice] = MappingProxyType(
    {
        DAEMON: Advice(
            title="its daemon does not run",
            what_to_do="systemctl start kojid; if it ends again, journalctl -u kojid says why",
        ),
        HUB: Advice(
            title="the hub does not answer",
            what_to_do="look at the hub and at the network between; it goes on by itself when the hub is back",
        ),
        Obstacle.RESTART: Advice(
            title="it restarts when its tasks have ended",
            what_to_do="nothing; koji-adjutant status shows the tasks that it waits for",
        ),
        Obstacle.DISABLED: Advice(
            title="it is disabled on the hub",
            what_to_do="koji enable-host NAME, when whoever disabled it agrees",
        ),
        Obstacle.CAPACITY: Advice(
            title="the load of its tasks is above its capacity",
            what_to_do="nothing, if it builds; else koji edit-host --capacity",
        ),
        Obstacle.MAXJOBS: Advice(
            title="it has as many tasks as maxjobs allows",
            what_to_do="nothing, if it builds; else raise maxjobs in kojid.conf and reload",
        ),
        Obstacle.SPACE: Advice(
            title="there is too little space where containers are",
            what_to_do="koji-adjutant buildroots list shows what images take; make room, or lower minspace",
        ),
        Obstacle.LOAD: Advice(
            title="the load average of the machine is too high",
            what_to_do="look for what else runs on the machine (top)",
        ),
        Obstacle.ENGINE: Advice(
            title="podman does not answer, or cannot do its work",
            what_to_do="systemctl status podman.socket podman.service; podman info",
        ),
        Obstacle.LEFTOVERS: Advice(
            title="containers of an earlier run are not removed yet",
            what_to_do="it tries again by itself; podman ps -a shows what is left",
        ),
        Obstacle.DISKS: Advice(
            title="one of its own directories is full or cannot be written",
            what_to_do="the reason names the directory: make room on its disk, or mount it writable",
        ),
        Obstacle.UNKNOWN: Advice(
            title="it does not say why in a way that this version knows",
            what_to_do="read the reason; koji-adjutant doctor looks at everything",
        ),
    }
)
"""By the obstacle's value."""


def advice_for(obstacle: str) -> Advice:
    """The words for an obstacle; one of a version to come has those for an unknown one."""
    return ADVICE.get(obstacle, ADVICE[Obstacle.UNKNOWN])


def host_sentence(
    *, name: str, ready: bool, obstacle: str, reason: str, running: int, seconds: float | None
) -> str:
    """The host in one sentence. `seconds`: for how long it has been so; None when that is not known."""
    lasted = f", for {duration(seconds)} now" if seconds is not None else ""
    tasks = {0: "no task runs", 1: "1 task runs"}.get(running, f"{running} tasks run")
    host = one_line(name) or "This host"
    if ready:
        return f"{host} takes tasks{lasted}; {tasks}."
    said = f" ({one_line(reason)})" if reason else ""
    return f"{host} takes no task{lasted}: {advice_for(obstacle).title}{said}; {tasks}."


def duration(seconds: float) -> str:
    """A span of time for people, of its two largest units: `2 h 5 min`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
