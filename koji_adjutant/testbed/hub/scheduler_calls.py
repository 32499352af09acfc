"""`scheduler.*`: what the scheduler did and why, and a run by hand."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.call import Call
from koji_adjutant.testbed.hub.database import Row, marks
from koji_adjutant.testbed.hub.registry import exposed
from koji_adjutant.testbed.hub.scheduler import Scheduler

# A client narrows a list by [[field, value], ...] or [[field, comparison, value], ...].
COMPARISONS = {"=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "IN": "IN"}
RUNS = "id, task_id, host_id, active, create_ts"
REFUSALS = "id, task_id, host_id, by_host, soft, msg, ts"
MESSAGES = "id, task_id, host_id, msg, msg_ts"


@exposed("scheduler.getTaskRuns")
def get_task_runs(call: Call, clauses: Any = None, fields: Any = None, opts: Any = None) -> list[Row]:
    return _query(call, "scheduler_task_runs", RUNS, clauses, fields)


@exposed("scheduler.getTaskRefusals")
def get_task_refusals(call: Call, clauses: Any = None, fields: Any = None) -> list[Row]:
    return _query(call, "scheduler_task_refusals", REFUSALS, clauses, fields)


@exposed("scheduler.getLogMessages")
def get_log_messages(call: Call, clauses: Any = None, fields: Any = None, opts: Any = None) -> list[Row]:
    return _query(call, "scheduler_log_messages", MESSAGES, clauses, fields)


@exposed("scheduler.getHostData")
def get_host_data(call: Call, hostID: Any = None) -> list[Row]:
    clauses = None if hostID is None else [["host_id", hostID]]
    return _query(call, "scheduler_host_data", "host_id, data", clauses, None)


@exposed("scheduler.doRun")
def do_run(call: Call, force: bool = False) -> bool:
    call.require_permission("admin")
    return Scheduler(call).run(force=bool(force))


def _query(call: Call, table: str, columns: str, clauses: Any, fields: Any) -> list[Row]:
    known = columns.split(", ")
    chosen = list(fields) if fields else known
    conditions, params = ["1"], list[Any]()
    for clause in clauses or []:
        name, comparison, value = clause if len(clause) == 3 else (clause[0], "=", clause[1])
        if name not in known or comparison not in COMPARISONS:
            raise koji.ParameterError(f"Invalid clause: {clause}")
        values = list(value) if comparison == "IN" else [value]
        right = f"({marks(values)})" if comparison == "IN" else "?"
        conditions.append(f"{name} {COMPARISONS[comparison]} {right}")
        params += values
    if not set(chosen) <= set(known):
        raise koji.ParameterError(f"Invalid fields: {sorted(set(chosen) - set(known))}")
    where = " AND ".join(conditions)
    return call.db.all(f"SELECT {', '.join(chosen)} FROM {table} WHERE {where} ORDER BY 1", params)
