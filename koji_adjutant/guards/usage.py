"""What the containers of a task use, and what each phase of its rpmbuild: measured from outside, by control groups.

`TaskUsage` lives as long as its task's process. It is told of containers as they come and go, and of phases as they
begin and end; a thread looks at what runs now and then, since a container that has ended by itself has no figures any
more. What cannot be seen from this machine is not measured, and nothing is said of it. The engine is never asked, and
nobody waits for a look.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from koji_adjutant.container.labels import Role
from koji_adjutant.container.podman.processes import group_names
from koji_adjutant.host.cgroups import PEAKS, ControlGroup, upper_directory
from koji_adjutant.host.disks import written_by
from koji_adjutant.journal.phases import HostEvent, Journal, NullJournal
from koji_adjutant.journal.use import Use

INTERVAL = 0.2
"""Seconds between two looks."""
FOR_EVERYBODY = ("/tmp", "/var/tmp")  # noqa: S108 - of a root, where everybody may write
DISK_SECONDS = 1.0
"""How long the files of a build may be counted, before its container goes."""
MOST_PHASES = 100
"""Of a task: a package can have rpmbuild say that one begins."""


@dataclass(frozen=True, kw_only=True)
class MeasuredPhase:
    """A phase that has ended, and what its container has used meanwhile."""

    name: str
    seconds: float
    use: Use


@dataclass(frozen=True, kw_only=True)
class MeasuredContainer:
    """A container, from its start to its end, or until it was last seen."""

    role: str
    seconds: float
    use: Use


@dataclass(kw_only=True)
class _Meter:
    """One container. Figures are those of the last look at it."""

    container: str
    role: str
    began: float
    group: ControlGroup | None = None
    figures: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    """Of phases that have ended, where each has a peak of its own."""

    def look(self, find: Callable[[str], ControlGroup | None]) -> None:
        """Take the figures of now, if there are any."""
        if self.group is None:
            self.group = find(self.container)
            if self.group is None:
                return
        self.figures |= self.group.figures()

    def total(self) -> dict[str, float]:
        """From its start on."""
        return {
            name: max(value, self.peaks.get(name, 0)) if name in PEAKS else value
            for name, value in self.figures.items()
        }

    def begin_phase(self) -> dict[str, float]:
        """The figures at the beginning of a phase, whose peak of memory begins with it where that can be."""
        for name in PEAKS & self.figures.keys():
            self.peaks[name] = max(self.peaks.get(name, 0), self.figures[name])
        if self.group is not None:
            self.group.begin_peak()
        return dict(self.figures)

    def since(self, before: Mapping[str, float]) -> Use:
        """What was used since those figures."""
        return Use.of(
            {
                name: value if name in PEAKS else value - before[name]
                for name, value in self.figures.items()
                if name in PEAKS or name in before
            }
        )

    def close(self) -> None:
        """No look any more."""
        if self.group is not None:
            self.group.close()


@dataclass(frozen=True, kw_only=True)
class _Phase:
    name: str
    meter: _Meter
    began: float
    before: Mapping[str, float]


def find_group(container: str) -> ControlGroup | None:
    """The group of a container of podman's on this machine."""
    return ControlGroup.find(group_names(container))


class TaskUsage:
    """What a task uses. `home` is the build user's directory in every root."""

    def __init__(
        self,
        journal: Journal | None = None,
        task: int = 0,
        *,
        home: str = "",
        find: Callable[[str], ControlGroup | None] = find_group,
        interval: float = INTERVAL,
    ) -> None:
        self.phases: list[MeasuredPhase] = []
        self.containers: list[MeasuredContainer] = []
        """Those that are gone."""
        self._journal = journal or NullJournal()
        self._task = task
        self._home = home
        self._find = find
        self._interval = interval
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._going = 0
        self._meters: dict[str, _Meter] = {}
        self._phase: _Phase | None = None
        self._said = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    # Containers

    def container_came(self, container: str, role: str) -> None:
        """A container is there, and may be started."""
        with self._lock:
            self._meters[container] = _Meter(container=container, role=role, began=time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_on, name="usage", daemon=True)
                self._thread.start()

    def container_goes(self, container: str) -> None:
        """A container is about to be removed: what it has used is said."""
        with self._lock:
            meter = self._meters.pop(container, None)
            if meter is None:
                return
            self._end_phase_in(meter)
            meter.look(self._find)
            self._going += 1
        meter.close()
        measured = self._measured(meter)
        with self._changed:
            self._going -= 1
            if measured is not None:
                self.containers.append(measured)
            self._changed.notify_all()
        if measured is not None:
            self._say(meter, measured.use)

    def _measured(self, meter: _Meter) -> MeasuredContainer | None:
        seconds = time.monotonic() - meter.began
        use = replace(Use.of(meter.total()), disk_bytes=self._disk(meter))
        return None if use == Use() else MeasuredContainer(role=meter.role, seconds=seconds, use=use)

    def _disk(self, meter: _Meter) -> int | None:
        """What the build user has in the root of a build container that runs."""
        pid = meter.group.first_pid() if meter.role == Role.BUILD and meter.group else None
        upper = upper_directory(pid) if pid else None
        if upper is None:
            return None
        # A tree without end, or one that goes meanwhile: then it is not known.
        with suppress(OSError):
            owner = Path(f"{upper}{self._home}").stat().st_uid
            deadline = time.monotonic() + DISK_SECONDS
            # Not all of a root that was populated: a build writes nowhere else.
            return sum(
                written_by(owner, Path(f"{upper}{place}"), math.inf, deadline=deadline)
                for place in (self._home, *FOR_EVERYBODY)
            )
        return None

    def so_far(self) -> tuple[MeasuredContainer, ...]:
        """All containers, those included that are still there."""
        with self._changed:
            # Those that are just going have their figures in a moment.
            self._changed.wait_for(lambda: not self._going, 2 * DISK_SECONDS)
            for meter in self._meters.values():
                meter.look(self._find)
            meters, gone = list(self._meters.values()), tuple(self.containers)
        running = [self._measured(meter) for meter in meters]
        return (*gone, *(one for one in running if one is not None))

    # Phases

    def phase_began(self, container: str, name: str) -> None:
        """A phase of rpmbuild begins in a container; the one before has ended."""
        with self._lock:
            self._end_phase()
            meter = self._meters.get(container)
            if meter is None or self._said >= MOST_PHASES:
                return
            self._said += 1
            meter.look(self._find)
            self._phase = _Phase(name=name, meter=meter, began=time.monotonic(), before=meter.begin_phase())

    def phase_ended(self) -> None:
        """The phase under way, if there is one, has ended."""
        with self._lock:
            self._end_phase()

    def _end_phase_in(self, meter: _Meter) -> None:
        if self._phase is not None and self._phase.meter is meter:
            self._end_phase()

    def _end_phase(self) -> None:
        phase, self._phase = self._phase, None
        if phase is None:
            return
        phase.meter.look(self._find)
        use = phase.meter.since(phase.before)
        if use == Use():
            return
        measured = MeasuredPhase(name=phase.name, seconds=time.monotonic() - phase.began, use=use)
        self.phases.append(measured)
        self._say(phase.meter, use, phase=phase.name, seconds=round(measured.seconds, 3))

    def _say(self, meter: _Meter, use: Use, **more: str | float) -> None:
        self._journal.record(
            HostEvent.USAGE,
            task=self._task,
            container=meter.container,
            **{"role": meter.role, **more, **use.details()},
        )

    # In the background

    def _look_on(self) -> None:
        while True:
            self._wake.wait(self._interval)
            with self._lock:
                if not self._meters:
                    self._thread = None
                    return
                for meter in self._meters.values():
                    meter.look(self._find)
