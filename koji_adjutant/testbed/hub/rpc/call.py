"""One call of one client: what a hub function is given. Made by the dispatcher, gone when it returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import koji

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.rpc.database import Database
from koji_adjutant.testbed.hub.rpc.holds import Holds
from koji_adjutant.testbed.hub.rpc.registry import invoke


@dataclass(frozen=True, kw_only=True)
class Session:
    """Who calls. Without a login every field but `address` is empty."""

    address: str = "-"
    # The common name of the certificate that the client has shown.
    certificate: str = ""
    id: int | None = None
    master: int | None = None
    user_id: int | None = None
    username: str | None = None
    host_id: int | None = None
    exclusive: bool = False
    callnum: int | None = None
    authtype: int | None = None
    expired: bool = False
    # The session's row as it was when the request came.
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def logged_in(self) -> bool:
        return self.user_id is not None and not self.expired


@dataclass(frozen=True, kw_only=True)
class Call:
    db: Database
    session: Session
    paths: koji.PathInfo
    options: HubOptions
    method: str = ""
    # What unfinished uploads hold.
    holds: Holds = field(default_factory=Holds)

    def now(self) -> float:
        return self.options.clock()

    def new_event(self) -> int:
        """The event of this call; the same one however often it is asked for."""
        return self._event

    @cached_property
    def _event(self) -> int:
        return self.db.insert("events", time=self.now())

    def lock_task(self, task_id: int) -> None:
        """Before a task's row is changed or relied upon: wait for the upload that holds it, as a hub does."""
        self.holds.require_free_row("task", task_id)

    def invoke(self, name: str, *args: Any) -> Any:
        """Another method of the hub, by name: for the few places where an import would make a cycle."""
        return invoke(self, name, args)

    @cached_property
    def permissions(self) -> frozenset[str]:
        """The user's own and their groups'."""
        if not self.session.logged_in:
            return frozenset()
        return frozenset(
            self.db.values(
                "SELECT permissions.name FROM user_perms JOIN permissions ON permissions.id = perm_id "
                "WHERE user_perms.active = 1 AND (user_id = :user OR user_id IN "
                "(SELECT group_id FROM user_groups WHERE user_groups.active = 1 AND user_id = :user))",
                {"user": self.session.user_id},
            )
        )

    def has_permission(self, name: str) -> bool:
        """Exactly this permission: admin does not imply it here, but does in `require_permission`."""
        return name in self.permissions

    def require_login(self) -> None:
        if not self.session.logged_in:
            raise koji.ActionNotAllowed("you must be logged in for this operation")

    def require_user_id(self) -> int:
        self.require_login()
        if self.session.user_id is None:
            _unreachable()
        return self.session.user_id

    def require_permission(self, *names: str) -> None:
        """Any one of these, or admin."""
        if self.permissions & {"admin", *names}:
            return
        who = f"logged in as {self.session.username}" if self.session.logged_in else "user not logged in"
        raise koji.ActionNotAllowed(f"{' or '.join(names)} permission required ({who})")

    def require_host(self) -> int:
        """The host that calls: a host's exclusive session, or a subsession of one."""
        if not self.session.logged_in:
            raise koji.AuthError("Not logged-in")
        if self.session.host_id is None:
            raise koji.AuthError(f"User {self.session.user_id} is not a host")
        if not self.session.exclusive:
            raise koji.AuthError("This method requires an exclusive session")
        return self.session.host_id


def _unreachable() -> NoReturn:
    raise AssertionError("a login has a user")
