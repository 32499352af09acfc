"""The tasks that a page of the history shows: those that a query asks for, the newest first, some at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from koji_adjutant.monitoring.views import Outcome, TaskView

ROWS = 100
"""On one page."""
SPANS: Mapping[str, tuple[str, float]] = {
    "hour": ("the last hour", 3600.0),
    "day": ("the last day", 86400.0),
    "week": ("the last week", 7 * 86400.0),
}
"""What may be asked for as `time`; anything else is all that is known."""
_LONGEST = 200
_LAST_PAGE = 10_000


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for; empty: whatever there is."""

    method: str = ""
    outcome: str = ""
    text: str = ""
    time: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Query":
        """What a request says, with what makes no sense left out."""
        number = query.get("page", "")
        outcome, span = query.get("outcome", ""), query.get("time", "")
        return cls(
            method=query.get("method", "")[:_LONGEST],
            outcome=outcome if outcome in tuple(Outcome) else "",
            text=query.get("text", "").strip()[:_LONGEST],
            time=span if span in SPANS else "",
            page=int(number)
            if number.isascii() and number.isdigit() and len(number) < len(str(_LAST_PAGE))
            else 1,
        )

    def admits(self, task: TaskView, now: float) -> bool:
        """Whether `task` is asked for."""
        if self.method and task.method != self.method:
            return False
        if self.outcome and task.outcome != self.outcome:
            return False
        if self.time and last_time(task) < now - SPANS[self.time][1]:
            return False
        return self.text.casefold() in _words(task)

    def address(self, page: int) -> str:
        """Where another page of the same is."""
        wanted = {"method": self.method, "outcome": self.outcome, "text": self.text, "time": self.time}
        said = {name: value for name, value in wanted.items() if value}
        return "/tasks?" + urlencode({**said, "page": str(page)})


@dataclass(frozen=True, kw_only=True)
class History:
    """What is shown of all tasks."""

    query: Query
    methods: tuple[str, ...]
    """Of all that are known."""
    matching: tuple[TaskView, ...]
    """What is asked for: the plots are of these."""
    rows: tuple[TaskView, ...]
    """Those on this page."""
    known: int
    pages: int

    @property
    def newer(self) -> str:
        """The address of the page before; empty when there is none."""
        return self.query.address(self.query.page - 1) if self.query.page > 1 else ""

    @property
    def older(self) -> str:
        """The address of the next page; empty when there is none."""
        return self.query.address(self.query.page + 1) if self.query.page < self.pages else ""


def history(tasks: Iterable[TaskView], query: Mapping[str, str], now: float) -> History:
    """Those of `tasks` that `query` asks for."""
    known = sorted(tasks, key=lambda task: (last_time(task), task.id), reverse=True)
    asked = Query.read(query)
    matching = tuple(task for task in known if asked.admits(task, now))
    begin = (max(asked.page, 1) - 1) * ROWS
    return History(
        query=asked,
        methods=tuple(sorted({task.method for task in known if task.method})),
        matching=matching,
        rows=matching[begin : begin + ROWS],
        known=len(known),
        pages=max(1, -(-len(matching) // ROWS)),
    )


def last_time(task: TaskView) -> float:
    """When something was heard of `task` last, as far as its ends say; one that runs is the newest of all."""
    if task.outcome is Outcome.RUNNING:
        return float("inf")
    return task.ended or task.opened or task.created or 0.0


def _words(task: TaskView) -> str:
    words = (str(task.id), task.method, task.label, task.package, task.arch, task.tag, task.owner, task.error)
    return " ".join(words).casefold()
