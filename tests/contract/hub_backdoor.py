"""What the wire has no call for: passwords, and making sessions, hosts and assignments older than they are.

The protocol tests never wait for a timeout; they move the hub's records back in time instead. On a real hub
that is a statement on its PostgreSQL database, on the embedded hub a method of the object. Nothing here
outlives one call.
"""

from __future__ import annotations

import subprocess
from typing import Protocol


class Backdoor(Protocol):
    def set_password(self, user: str, password: str) -> None: ...

    def age_session(self, session_id: int, seconds: float) -> None: ...

    def age_host(self, host_id: int, seconds: float) -> None: ...

    def age_assignment(self, task_id: int, seconds: float) -> None: ...

    def age_refusal(self, task_id: int, host_id: int, seconds: float) -> None: ...

    def age_scheduler(self, seconds: float) -> None: ...


class DatabaseBackdoor:
    """The same through psql, for a real hub."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def set_password(self, user: str, password: str) -> None:
        self._run("update users set password = :'word' where name = :'user'", user=user, word=password)

    def age_session(self, session_id: int, seconds: float) -> None:
        self._run(
            "update sessions set start_time = start_time - :'age'::interval,"
            " renew_time = renew_time - :'age'::interval where id = :id",
            id=session_id,
            age=f"{seconds} seconds",
        )

    def age_host(self, host_id: int, seconds: float) -> None:
        self._run(
            "update host set update_time = update_time - :'age'::interval where id = :id",
            id=host_id,
            age=f"{seconds} seconds",
        )

    def age_assignment(self, task_id: int, seconds: float) -> None:
        self._run(
            "update scheduler_task_runs set create_time = create_time - :'age'::interval where task_id = :id",
            id=task_id,
            age=f"{seconds} seconds",
        )

    def age_refusal(self, task_id: int, host_id: int, seconds: float) -> None:
        self._run(
            "update scheduler_task_refusals set time = time - :'age'::interval"
            " where task_id = :task and host_id = :host",
            task=task_id,
            host=host_id,
            age=f"{seconds} seconds",
        )

    def age_scheduler(self, seconds: float) -> None:
        self._run(
            "update scheduler_sys_data set data = to_jsonb((data #>> '{}')::float - :age)"
            " where name = 'last_run_ts'",
            age=seconds,
        )

    def _run(self, statement: str, **values: str | float) -> None:
        argv = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={self._dsn}"]
        argv += [f"--set={name}={value}" for name, value in values.items()]
        subprocess.run(argv, input=statement + ";\n", text=True, check=True, capture_output=True)
