"""The scheduler: gives free tasks to hosts, and takes them back from hosts that do nothing with them.

It has no clock of its own: the first host that polls with nothing assigned runs it, at most every
`run_interval` seconds for all hosts together. A host is asked for by bin (channel and architecture), and
takes a task when it is ready, has a job slot and capacity left, and has not refused it. The methods that a host reports
are kept for whoever asks, and decide nothing: it is given any, and has to refuse what it cannot do.

On a real hub a run takes a lock that no other run waits for; here every request has the hub to itself.
"""

from dataclasses import dataclass, field
from typing import Any

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.tasks import tasks
from koji_adjutant.testbed.hub.tasks.refusals import log, refuse

LAST_RUN = "last_run_ts"
MOST_TASKS = 1000


@dataclass(kw_only=True)
class Candidate:
    """A host during one run: what it has, and what it was given in this run."""

    id: int
    ready: bool
    update_ts: float | None
    capacity: float
    max_jobs: int
    bins: frozenset[str]
    load: float = 0.0
    jobs: int = 0
    demand: float = 0.0

    @property
    def rank(self) -> float:
        return self.load + self.jobs + self.demand

    def has_room(self, least_free: float) -> bool:
        return self.jobs < self.max_jobs and self.capacity - self.load > least_free


@dataclass(kw_only=True)
class Waiting:
    """A free task during one run, and the hosts that may take it."""

    row: Row
    least_free: float
    hosts: list[Candidate] = field(default_factory=list)


class Scheduler:
    """One run of the scheduler, or one assignment by a user. `call` is the call that caused the run."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._db = call.db
        self._options = call.options

    def run(self, *, force: bool = False) -> bool:
        """Run the scheduler; whether it ran: without `force` not again within `run_interval` seconds."""
        if not force and not self._is_due():
            return False
        active = self._active_tasks()
        hosts = self._hosts()
        self._mark_silent(hosts)
        self._schedule(active, hosts)
        self._check_active(active, hosts)
        return True

    def assign(self, task_id: int, host_id: int, *, force: bool = False, override: bool = False) -> bool:
        if not tasks.assign(self._call, task_id, host_id, force=force):
            log(self._call, "Assignment failed", task_id=task_id, host_id=host_id)
            return False
        message = "Assigning task (override)" if override else "Assigning task"
        log(self._call, message, task_id=task_id, host_id=host_id)
        self._db.update("scheduler_task_runs", {"task_id": task_id, "active": True}, active=False)
        if not override:
            # A task without a run is never taken away from its host.
            self._db.insert(
                "scheduler_task_runs", task_id=task_id, host_id=host_id, create_ts=self._call.now()
            )
        return True

    def _is_due(self) -> bool:
        now = self._call.now()
        last = self._db.value("SELECT data FROM scheduler_sys_data WHERE name = ?", (LAST_RUN,)) or 0
        if 0 <= now - last < self._options.run_interval:
            return False
        self._db.execute("INSERT OR REPLACE INTO scheduler_sys_data VALUES (?, ?)", (LAST_RUN, repr(now)))
        # A clock that was set back only makes the next run due again.
        return bool(now >= last)

    def _active_tasks(self) -> list[Row]:
        return self._db.all(
            "SELECT id, state, waiting, weight, host_id FROM task WHERE state IN (?, ?) AND host_id NOT NULL",
            (tasks.ASSIGNED, tasks.OPEN),
        )

    def _hosts(self) -> dict[int, Candidate]:
        rows = self._db.all(
            "SELECT host.id, ready, update_ts, arches, capacity, data FROM host "
            "JOIN host_config ON host_config.host_id = host.id "
            "LEFT JOIN scheduler_host_data ON scheduler_host_data.host_id = host.id "
            "WHERE host_config.active = 1 AND host_config.enabled = 1 ORDER BY host.id"
        )
        return {row["id"]: self._candidate(row) for row in rows}

    def _candidate(self, row: Row) -> Candidate:
        channels = self._db.values(
            "SELECT channel_id FROM host_channels JOIN channels ON channels.id = channel_id "
            "WHERE host_channels.active = 1 AND channels.enabled = 1 AND host_id = ?",
            (row["id"],),
        )
        arches = [*(row["arches"] or "").split(), "noarch"]
        return Candidate(
            id=row["id"],
            ready=row["ready"],
            update_ts=row["update_ts"],
            capacity=row["capacity"],
            max_jobs=(row["data"] or {}).get("maxjobs") or self._options.max_jobs,
            bins=frozenset(f"{channel}:{arch}" for channel in channels for arch in arches),
        )

    def _mark_silent(self, hosts: dict[int, Candidate]) -> None:
        """A host that has not reported for `ready_timeout` is not ready."""
        oldest = self._call.now() - self._options.ready_timeout
        for host in hosts.values():
            if host.ready and (host.update_ts is None or host.update_ts < oldest):
                log(self._call, "Marking host not ready", host_id=host.id)
                self._db.update("host", {"id": host.id}, ready=False)
                host.ready = False

    def _schedule(self, active: list[Row], hosts: dict[int, Candidate]) -> None:
        for task in active:
            host = hosts.get(task["host_id"])
            if host is not None:
                host.load += 0.0 if task["waiting"] else task["weight"]
                host.jobs += 1
        waiting = [self._waiting(row, hosts) for row in self._free_tasks()]
        self._refused_out(waiting)
        _spread_demand(waiting, hosts)
        for free in waiting:
            for host in sorted(free.hosts, key=lambda host: host.rank):
                if host.has_room(free.least_free):
                    self.assign(free.row["id"], host.id)
                    host.load += free.row["weight"]
                    host.jobs += 1
                    break

    def _free_tasks(self) -> list[Row]:
        return self._db.all(
            "SELECT id, channel_id, arch, weight FROM task WHERE state = ? "
            "ORDER BY priority, create_ts LIMIT ?",
            (tasks.FREE, MOST_TASKS),
        )

    def _waiting(self, row: Row, hosts: dict[int, Candidate]) -> Waiting:
        least_free = max(0.0, row["weight"] - self._options.capacity_overcommit)
        wanted = f"{row['channel_id']}:{row['arch']}"
        fitting = [
            host
            for host in hosts.values()
            if host.ready and wanted in host.bins and host.has_room(least_free)
        ]
        return Waiting(row=row, least_free=least_free, hosts=fitting)

    def _refused_out(self, waiting: list[Waiting]) -> None:
        """Drop the refusals that are over; take the hosts of the others out."""
        self._db.execute(
            "DELETE FROM scheduler_task_refusals WHERE (soft = 1 AND ts < ?) OR task_id IN "
            "(SELECT id FROM task WHERE state NOT IN (?, ?, ?))",
            (
                self._call.now() - self._options.soft_refusal_timeout,
                tasks.FREE,
                tasks.OPEN,
                tasks.ASSIGNED,
            ),
        )
        refused = {
            (row["task_id"], row["host_id"])
            for row in self._db.all("SELECT task_id, host_id FROM scheduler_task_refusals")
        }
        for task in waiting:
            task.hosts = [host for host in task.hosts if (task.row["id"], host.id) not in refused]

    def _check_active(self, active: list[Row], hosts: dict[int, Candidate]) -> None:
        runs: dict[int, float] = {}
        for run in self._db.all("SELECT task_id, create_ts FROM scheduler_task_runs WHERE active = 1"):
            runs[run["task_id"]] = min(run["create_ts"], runs.get(run["task_id"], run["create_ts"]))
        for task in active:
            host = hosts.get(task["host_id"])
            if host is None or task["id"] not in runs:
                continue
            if task["state"] == tasks.ASSIGNED:
                self._check_assigned(task, host, runs[task["id"]])
            else:
                self._check_open(task, host, runs[task["id"]])
        living = (tasks.OPEN, tasks.ASSIGNED)
        self._db.execute(
            "UPDATE scheduler_task_runs SET active = 0 WHERE active = 1 AND task_id NOT IN "
            f"(SELECT id FROM task WHERE state IN ({marks(living)}))",
            living,
        )

    def _check_assigned(self, task: Row, host: Candidate, assigned_ts: float) -> None:
        if self._call.now() - assigned_ts <= self._options.assign_timeout:
            return
        if host.update_ts and host.update_ts > assigned_ts:
            # It reports but does not open the task: as good as a refusal.
            refuse(self._call, host.id, task["id"], soft=True, by_host=False, message="assignment timeout")
        log(self._call, "Task assignment timeout", task_id=task["id"], host_id=host.id)
        tasks.free_task(self._call, task["id"])

    def _check_open(self, task: Row, host: Candidate, assigned_ts: float) -> None:
        seen = assigned_ts if host.update_ts is None else host.update_ts
        if self._call.now() - seen > self._options.host_timeout:
            log(self._call, "Freeing task from unresponsive host", task_id=task["id"], host_id=host.id)
            tasks.free_task(self._call, task["id"])


def _spread_demand(waiting: list[Waiting], hosts: dict[int, Candidate]) -> None:
    """How much of the waiting work each host may have to take, as a share of all of it."""
    for task in waiting:
        for host in task.hosts:
            host.demand += task.row["weight"] / len(task.hosts)
    total = sum(host.demand for host in hosts.values())
    if total > 0:
        for host in hosts.values():
            host.demand /= total


def tasks_for_host(call: Call, host_id: int) -> list[dict[str, Any]]:
    """What is assigned to the host; when nothing is, after a run of the scheduler."""
    sql = (
        "SELECT id, state, channel_id, host_id, arch, method, priority, create_ts FROM task "
        "WHERE host_id = ? AND state = ? ORDER BY priority, create_ts"
    )
    assigned = call.db.all(sql, (host_id, tasks.ASSIGNED))
    if not assigned:
        Scheduler(call).run()
        assigned = call.db.all(sql, (host_id, tasks.ASSIGNED))
    return assigned
