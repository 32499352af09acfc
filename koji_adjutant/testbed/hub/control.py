"""What tests do to a running hub that no client can: make records older, switch it off, look inside.

On a real hub the same things are statements on its database or a change of its configuration.
"""

from collections.abc import Sequence
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.dispatch import Dispatcher
from koji_adjutant.testbed.hub.tasks.scheduler import LAST_RUN


class HubControl:
    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def set_password(self, user: str, password: str) -> None:
        self._change("UPDATE users SET password = ? WHERE name = ?", password, user)

    def age_session(self, session_id: int, seconds: float) -> None:
        """Make it longer ago that the session began or was renewed."""
        self._change(
            "UPDATE sessions SET start_ts = start_ts - ?1, renew_ts = renew_ts - ?1 WHERE id = ?2",
            seconds,
            session_id,
        )

    def age_host(self, host_id: int, seconds: float) -> None:
        """Make it longer ago that the host reported."""
        self._change("UPDATE host SET update_ts = update_ts - ? WHERE id = ?", seconds, host_id)

    def age_assignment(self, task_id: int, seconds: float) -> None:
        """Make it longer ago that the scheduler assigned the task."""
        self._change(
            "UPDATE scheduler_task_runs SET create_ts = create_ts - ? WHERE task_id = ?", seconds, task_id
        )

    def age_refusal(self, task_id: int, host_id: int, seconds: float) -> None:
        self._change(
            "UPDATE scheduler_task_refusals SET ts = ts - ? WHERE task_id = ? AND host_id = ?",
            seconds,
            task_id,
            host_id,
        )

    def age_scheduler(self, seconds: float) -> None:
        """Make it longer ago that the scheduler ran, so that its interval is over."""
        with self._dispatcher.transaction() as db:
            last = db.value("SELECT data FROM scheduler_sys_data WHERE name = ?", (LAST_RUN,))
            if last is not None:
                db.update("scheduler_sys_data", {"name": LAST_RUN}, data=repr(last - seconds))

    def go_offline(self, message: str = "server is offline") -> None:
        """Answer every call with ServerOffline."""
        self._dispatcher.switches.offline_message = message
        self._dispatcher.switches.offline = True

    def go_online(self) -> None:
        self._dispatcher.switches.offline = False

    def lock_out(self, *, locked_out: bool = True) -> None:
        """From now on refuse the calls of everybody but administrators."""
        self._dispatcher.switches.locked_out = locked_out

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """What the database says."""
        with self._dispatcher.transaction() as db:
            return db.all(sql, params)

    def _change(self, sql: str, *params: Any) -> None:
        with self._dispatcher.transaction() as db:
            if not db.execute(sql, params):
                raise koji.GenericError(f"nothing matches {params}: {sql}")
