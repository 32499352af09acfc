"""What tests do to a running hub that no client can: make time pass, switch it off, look inside."""

from collections.abc import Sequence
from typing import Any

from koji_adjutant.testbed.hub.database import Row
from koji_adjutant.testbed.hub.dispatch import Dispatcher


class HubControl:
    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def age_sessions(self, seconds: float, *, user: str | None = None) -> int:
        """Make sessions (of one user) older, so that they need a renewal; how many there were."""
        with self._dispatcher.transaction() as db:
            return db.execute(
                "UPDATE sessions SET start_ts = start_ts - :age, renew_ts = renew_ts - :age "
                "WHERE :user IS NULL OR user_id = (SELECT id FROM users WHERE name = :user)",
                {"age": seconds, "user": user},
            )

    def age_hosts(self, seconds: float) -> None:
        """Make it longer ago that the hosts reported."""
        with self._dispatcher.transaction() as db:
            db.execute("UPDATE host SET update_ts = update_ts - ?", (seconds,))

    def age_assignments(self, seconds: float) -> None:
        """Make it longer ago that the scheduler assigned what it assigned."""
        with self._dispatcher.transaction() as db:
            db.execute("UPDATE scheduler_task_runs SET create_ts = create_ts - ?", (seconds,))

    def age_refusals(self, seconds: float) -> None:
        with self._dispatcher.transaction() as db:
            db.execute("UPDATE scheduler_task_refusals SET ts = ts - ?", (seconds,))

    def forget_last_run(self) -> None:
        """Let the scheduler run with the next poll, whatever its interval."""
        with self._dispatcher.transaction() as db:
            db.execute("DELETE FROM scheduler_sys_data")

    def go_offline(self, message: str = "server is offline") -> None:
        self._dispatcher.switches.offline_message = message
        self._dispatcher.switches.offline = True

    def go_online(self) -> None:
        self._dispatcher.switches.offline = False

    def lock_out(self, *, locked_out: bool = True) -> None:
        """Serve administrators only."""
        self._dispatcher.switches.locked_out = locked_out

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """What the database says."""
        with self._dispatcher.transaction() as db:
            return db.all(sql, params)
