"""Tasks that run now, as far as counting needs them: when each began, what it does, and for how long it did what.

There are at most `MOST` of them: one whose end no journal has is dropped at last. A run is kept in a file between two
events of its task, so that a server that is restarted in between counts as one that was not.
"""

from dataclasses import dataclass, field
from typing import Any

from koji_adjutant.journal.file import Event
from koji_adjutant.monitoring.clock import Moment
from koji_adjutant.monitoring.phases import phase_after

MOST = 1000


def moment_of(event: Event) -> Moment:
    """When an event happened."""
    return Moment(event.time.timestamp(), event.since_boot, event.boot_id)


def seconds_between(began: Moment, ended: Moment) -> float:
    """How much later one was; over a boot by the time of day, which may have been set meanwhile."""
    if began.boot == ended.boot and began.since_boot is not None and ended.since_boot is not None:
        return max(0.0, ended.since_boot - began.since_boot)
    return max(0.0, ended.time - began.time)


@dataclass
class TaskRun:
    """One task, from its opening on. `keeper`: the pid of the main process that has it."""

    method: str
    began: Moment | None
    """None when the journal that has its beginning is gone."""
    keeper: int
    phase: str = ""
    phase_began: Moment | None = None
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds by phase."""
    root: str = ""
    left_alone: Moment | None = None
    """When a main process began that has not taken it over."""

    def take(self, event: Event) -> None:
        """Note an event of it: perhaps it does something else from now on."""
        phase = phase_after(event.name, event.details, method=self.method)
        if phase is not None and phase.value != self.phase:
            self.leave_phase(moment_of(event))
            self.phase, self.phase_began = phase.value, moment_of(event)

    def leave_phase(self, now: Moment) -> None:
        """Count the phase that it is in."""
        if self.phase and self.phase_began:
            self.spent[self.phase] = self.spent.get(self.phase, 0.0) + seconds_between(self.phase_began, now)
        self.phase, self.phase_began = "", None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "method": self.method,
            "began": self.began,
            "keeper": self.keeper,
            "phase": self.phase,
            "phase_began": self.phase_began,
            "spent": self.spent,
            "root": self.root,
            "left_alone": self.left_alone,
        }

    @classmethod
    def from_json(cls, data: Any) -> "TaskRun":
        """What `to_json` has made; ValueError, TypeError, KeyError for anything else."""
        return cls(
            method=str(data["method"]),
            began=moment_from_json(data["began"]),
            keeper=int(data["keeper"]),
            phase=str(data["phase"]),
            phase_began=moment_from_json(data["phase_began"]),
            spent={str(name): float(seconds) for name, seconds in data["spent"].items()},
            root=str(data["root"]),
            left_alone=moment_from_json(data["left_alone"]),
        )


def moment_from_json(data: Any) -> Moment | None:
    """A moment as JSON has it. ValueError, TypeError."""
    if data is None:
        return None
    time, since_boot, boot = data
    return Moment(float(time), None if since_boot is None else float(since_boot), str(boot))
