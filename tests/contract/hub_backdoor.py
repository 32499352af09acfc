"""What the wire has no call for: passwords, and making sessions, hosts and assignments older than they are.

The protocol tests never wait for a timeout; they move the hub's records back in time instead. On a real hub
that is a statement on its PostgreSQL database, on the embedded hub a method of the object.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


class Backdoor(Protocol):
    def set_password(self, user: str, password: str) -> None: ...

    def age_session(self, session_id: int, seconds: float) -> None: ...

    def age_host(self, host_id: int, seconds: float) -> None: ...

    def age_assignment(self, task_id: int, seconds: float) -> None: ...

    def age_refusal(self, task_id: int, host_id: int, seconds: float) -> None: ...

    def age_scheduler(self, seconds: float) -> None: ...


class DatabaseBackdoor:
    """The same through a psql process, for a real hub."""

    def __init__(self, psql: subprocess.Popen[str]) -> None:
        self._psql = psql

    @classmethod
    @contextmanager
    def opened(cls, dsn: str) -> Iterator[Self]:
        argv = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--set=ON_ERROR_STOP=1", f"--dbname={dsn}"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
            yield cls(psql)
            if psql.stdin is not None:
                psql.stdin.close()

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
        settings = "".join(f"\\set {name} '{value}'\n" for name, value in values.items())
        stdin, stdout = self._psql.stdin, self._psql.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{settings}{statement};\n\\echo done\n")
        stdin.flush()
        if stdout.readline() != "done\n":
            raise RuntimeError(f"psql did not run: {statement}")
