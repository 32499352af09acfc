"""What `koji-adjutant status` shows, as rich draws it: on a terminal in colours, into a file or a pipe without. Pure.

All that hub, packages and programs say goes through `monitoring.text.for_terminal`; none of it is rich's markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from koji_adjutant.cli.buildroots import readable
from koji_adjutant.journal.public import DiskFacts
from koji_adjutant.monitoring.host_warnings import host_warnings
from koji_adjutant.monitoring.phases import PhaseName
from koji_adjutant.monitoring.sentence import advice_for, duration
from koji_adjutant.monitoring.text import for_terminal
from koji_adjutant.monitoring.views import CacheView, HostView, TaskView

BAR_CELLS = 20
FILLED, EMPTY = "━", "─"
PHASE_STYLES = {
    PhaseName.QUEUED.value: "grey50",
    PhaseName.STARTING.value: "grey70",
    PhaseName.WAITING.value: "grey50",
    PhaseName.CHECKOUT.value: "cyan",
    PhaseName.REPO.value: "cyan",
    PhaseName.POPULATING.value: "blue",
    PhaseName.UPLOADING.value: "magenta",
    PhaseName.CLOSING.value: "yellow",
}
"""Of what is not the work itself."""
WORK_STYLE = "green"
ERROR_CHARACTERS = 200
_WIDE = frozenset({"WHAT", "ERROR", "PATH"})


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that the command shows, in one look."""

    host: HostView
    running: tuple[TaskView, ...]
    """The oldest first."""
    failures: tuple[TaskView, ...]
    """Those that ended last first."""
    cache: CacheView
    time: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """What there is to look at."""
        return host_warnings(self.host, self.time)


def screen(status: Status) -> RenderableType:
    """The whole of it."""
    return Group(*_sections(status))


def _sections(status: Status) -> Iterator[RenderableType]:
    yield from _host(status.host)
    if status.running:
        yield from ("", _running(status.running, status.time))
    if status.failures:
        yield from ("", _failures(status.failures))
    yield from ("", _cache(status.cache))
    if status.host.disks:
        yield _disks(status.host.disks)
    for warning in status.warnings:
        yield Text.assemble(("warning: ", "bold yellow"), for_terminal(warning))


def _host(host: HostView) -> Iterator[Text]:
    style = "bold green" if host.ready else "bold yellow" if host.alive else "bold red"
    yield Text(for_terminal(host.sentence), style=style)
    if not host.ready:
        yield Text.assemble(("what to do: ", "dim"), advice_for(host.obstacle).what_to_do)


def _table(*headings: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        is_wide = heading in _WIDE
        made.add_column(heading, overflow="fold" if is_wide else "ellipsis", no_wrap=not is_wide)
    return made


def _line(text: str) -> Text:
    """Text of others in a cell, on one line."""
    return Text(" ".join(for_terminal(text).split()))


def _running(tasks: Sequence[TaskView], now: float) -> Table:
    made = _table("TASK", "METHOD", "WHAT", "PHASE", "", "FOR", "AVERAGE")
    for task in tasks:
        average = task.average_seconds
        made.add_row(
            str(task.id),
            _line(task.method),
            _line(task.label or task.package),
            Text(task.phase, style=_style(task.phase)),
            bar(task, now),
            "" if task.opened is None else duration(now - task.opened),
            "" if average is None else duration(average),
        )
    return made


def _style(phase: str) -> str:
    return PHASE_STYLES.get(phase, WORK_STYLE)


def bar(task: TaskView, now: float) -> Text:
    """The phases since `task` was opened; the whole is the package's average, or what has passed if that is more."""
    made = Text()
    began = now if task.opened is None else task.opened
    full = max(now - began, task.average_seconds or 0.0, 1.0)
    for phase in task.phases:
        end = round(BAR_CELLS * ((phase.ended or now) - began) / full)
        made.append(FILLED * (min(end, BAR_CELLS) - len(made)), style=_style(phase.name))
    made.append(EMPTY * (BAR_CELLS - len(made)), style="dim")
    return made


def _failures(tasks: Sequence[TaskView]) -> Table:
    made = _table("FAILED", "METHOD", "WHAT", "WHEN (UTC)", "ERROR")
    for task in tasks:
        error = task.first_error_line or task.error or task.outcome.value
        ended = datetime.fromtimestamp(task.ended or 0.0, UTC)
        made.add_row(
            Text(str(task.id), style="red"),
            _line(task.method),
            _line(task.label or task.package),
            f"{ended:%m-%d %H:%M}",
            _line(error[:ERROR_CHARACTERS]),
        )
    return made


def _cache(cache: CacheView) -> Text:
    limit = "" if cache.limit_bytes is None else f" of {readable(cache.limit_bytes)}"
    words = f"{len(cache.images)} buildroot images, {readable(cache.bytes)}{limit}"
    if asked := cache.hits + cache.deps_hits + cache.populated:
        found = cache.hits + cache.deps_hits
        words += f"; {found} of {asked} buildroots came from one, {duration(cache.seconds_saved)} saved"
    return Text.assemble(("cache: ", "dim"), words)


def _disks(disks: Sequence[DiskFacts]) -> Table:
    made = _table("DISK", "PATH", "FREE", "NEEDED")
    for disk in disks:
        is_short = bool(disk.limit_bytes) and (disk.free_bytes or 0) < (disk.limit_bytes or 0)
        made.add_row(
            _line(disk.area),
            _line(disk.path),
            Text(
                "unknown" if disk.free_bytes is None else readable(disk.free_bytes),
                style="red" if is_short else "",
            ),
            "" if disk.limit_bytes is None else readable(disk.limit_bytes),
        )
    return made
