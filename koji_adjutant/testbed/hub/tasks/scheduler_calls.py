"""`scheduler.*`: what the scheduler did and why, and a run by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.tasks.scheduler import Scheduler

# A client narrows a list by [[field, value], ...] or [[field, comparison, value], ...].
COMPARISONS = {"=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "IN": "IN"}


@dataclass(frozen=True, kw_only=True)
class View:
    """A table of the scheduler's with the task and host that its rows are about, and what a client may ask."""

    table: str
    default: tuple[str, ...]
    fields: Mapping[str, str]

    def rows(self, call: Call, clauses: Any, fields: Any) -> list[Row]:
        chosen = {name: self._column(name) for name in fields or self.default}
        conditions, params = ["1"], list[Any]()
        for clause in clauses or []:
            name, comparison, value = clause if len(clause) == 3 else (clause[0], "=", clause[1])
            if comparison not in COMPARISONS:
                raise koji.ParameterError(f"Invalid comparison: {clause}")
            values = list(value) if comparison == "IN" else [value]
            right = f"({marks(values)})" if comparison == "IN" else "?"
            conditions.append(f"{self._column(name)} {COMPARISONS[comparison]} {right}")
            params += values
        return call.db.all(
            f"SELECT {', '.join(f'{column} AS {name}' for name, column in chosen.items())} "
            f"FROM {self.table} AS own LEFT JOIN task ON task.id = own.task_id "
            f"LEFT JOIN host ON host.id = own.host_id WHERE {' AND '.join(conditions)} ORDER BY own.id",
            params,
        )

    def _column(self, name: Any) -> str:
        if name not in self.fields:
            raise koji.ParameterError(f"Invalid field: {name}")
        return self.fields[name]


def _view(table: str, own: str, task: str = "method state owner arch channel_id") -> View:
    fields = {name: f"own.{name}" for name in own.split()}
    fields |= {name: f"task.{name}" for name in task.split()}
    fields |= {"host_name": "host.name", "host_ready": "host.ready"}
    return View(table=table, default=tuple(own.split()), fields=fields)


RUNS = _view(
    "scheduler_task_runs",
    "id task_id host_id active create_ts",
    "method state owner arch channel_id start_ts completion_ts",
)
REFUSALS = _view("scheduler_task_refusals", "id task_id host_id by_host soft msg ts")
MESSAGES = _view("scheduler_log_messages", "id task_id host_id msg msg_ts")


@exposed("scheduler.getTaskRuns")
def get_task_runs(call: Call, clauses: Any = None, fields: Any = None, opts: Any = None) -> list[Row]:
    return RUNS.rows(call, clauses, fields)


@exposed("scheduler.getTaskRefusals")
def get_task_refusals(call: Call, clauses: Any = None, fields: Any = None) -> list[Row]:
    return REFUSALS.rows(call, clauses, fields)


@exposed("scheduler.getLogMessages")
def get_log_messages(call: Call, clauses: Any = None, fields: Any = None, opts: Any = None) -> list[Row]:
    return MESSAGES.rows(call, clauses, fields)


@exposed("scheduler.getHostData")
def get_host_data(call: Call, hostID: Any = None) -> list[Row]:
    """What each host last said about itself; of one host, where one is named."""
    return call.db.all(
        "SELECT host_id, data FROM scheduler_host_data WHERE ?1 IS NULL OR host_id = ?1 ORDER BY host_id",
        (hostID,),
    )


@exposed("scheduler.doRun")
def do_run(call: Call, force: bool = False) -> bool:
    call.require_permission("admin")
    return Scheduler(call).run(force=bool(force))
