"""Users and hosts made from inside the hub's process: the first administrator, and passwords.

No client can set a password on a real hub either; there an operator writes it into the database.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import koji

from koji_adjutant.testbed.hub.people import hosts, users
from koji_adjutant.testbed.hub.people.channels import add_host_to_channel, list_channels
from koji_adjutant.testbed.hub.rpc.call import Call, Session
from koji_adjutant.testbed.hub.rpc.dispatch import Dispatcher


class Accounts:
    """Every method can be repeated with the same arguments."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def add_user(self, name: str, password: str, *, permissions: Sequence[str] = ()) -> int:
        """The user's id."""
        with self._inside() as call:
            user = users.get_user(call, name)
            user_id = users.add_user(call, name) if user is None else int(user["id"])
            call.db.update("users", {"id": user_id}, password=password)
            for permission in set(permissions) - set(users.own_permissions(call, user_id)):
                self._grant(call, user_id, permission)
            return user_id

    def add_host(
        self,
        name: str,
        password: str,
        *,
        arches: Sequence[str] = ("x86_64",),
        channels: Sequence[str] = ("default", "createrepo"),
        capacity: float = 4.0,
        principal: str | None = None,
    ) -> int:
        """The host's id. The administrator has to exist already."""
        with self._inside() as call:
            host = hosts.find_host(call, name)
            host_id = hosts.add_host(call, name, list(arches), principal) if host is None else int(host["id"])
            call.db.update("users", {"name": name}, password=password)
            hosts.edit_host(call, name, capacity=capacity, arches=" ".join(arches))
            present = {channel["name"] for channel in list_channels(call, host_id)}
            for channel in channels:
                if channel not in present:
                    add_host_to_channel(call, name, channel, create=True)
            return host_id

    def set_password(self, name: str, password: str) -> None:
        with self._inside() as call:
            if not call.db.update("users", {"name": name}, password=password):
                raise koji.GenericError(f"No such user: {name}")

    def _grant(self, call: Call, user_id: int, permission: str) -> None:
        perm_id = call.db.value("SELECT id FROM permissions WHERE name = ?", (permission,))
        if perm_id is None:
            raise koji.GenericError(f"No such permission: {permission}")
        # The first administrator is its own creator.
        call.db.insert(
            "user_perms",
            user_id=user_id,
            perm_id=perm_id,
            create_event=call.new_event(),
            creator_id=call.session.user_id or user_id,
            active=1,
        )

    @contextmanager
    def _inside(self) -> Iterator[Call]:
        """A transaction of the first administrator, or of nobody while there is none."""
        with self._dispatcher.transaction() as db:
            admin = db.one(
                "SELECT users.id, users.name FROM users JOIN user_perms ON user_id = users.id "
                "JOIN permissions ON permissions.id = perm_id "
                "WHERE permissions.name = 'admin' AND active = 1 ORDER BY users.id"
            )
            session = Session(user_id=admin["id"], username=admin["name"]) if admin else Session()
            yield self._dispatcher.local_call(session)
