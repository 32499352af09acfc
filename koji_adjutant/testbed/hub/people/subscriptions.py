"""Who wants mails about which packages and tags, and who wants none: what users say of themselves."""

from typing import Any

import koji

from koji_adjutant.testbed.hub.people.users import get_logged_in_user, get_user, require_user
from koji_adjutant.testbed.hub.rpc import lookups
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row
from koji_adjutant.testbed.hub.rpc.registry import exposed

WANTED, BLOCKED = "build_notifications", "build_notifications_block"


@exposed("getBuildNotifications")
def get_build_notifications(call: Call, userID: Any = None) -> list[Row]:
    return _of_user(call, WANTED, require_user(call, userID)["id"])


@exposed("getBuildNotificationBlocks")
def get_build_notification_blocks(call: Call, userID: Any = None) -> list[Row]:
    return _of_user(call, BLOCKED, require_user(call, userID)["id"])


@exposed("getBuildNotification")
def get_build_notification(call: Call, id: int, strict: bool = False) -> Row | None:
    row = _find(call, WANTED, id)
    if row is None and strict:
        raise koji.GenericError(f"No notification with ID {id} found")
    return row


@exposed("getBuildNotificationBlock")
def get_build_notification_block(call: Call, id: int, strict: bool = False) -> Row | None:
    row = _find(call, BLOCKED, id)
    if row is None and strict:
        raise koji.GenericError(f"No notification block with ID {id} found")
    return row


@exposed("createNotification")
def create_notification(call: Call, user_id: Any, package_id: Any, tag_id: Any, success_only: Any) -> None:
    user = _about(call, user_id, "create notifications")
    wanted = _subject(call, package_id, tag_id) | {"success_only": bool(success_only)}
    _require_new(call, WANTED, user["id"], wanted)
    address = f"{user['name']}@{call.options.email_domain}"
    call.db.insert(WANTED, user_id=user["id"], email=address, **wanted)


@exposed("updateNotification")
def update_notification(call: Call, id: int, package_id: Any, tag_id: Any, success_only: Any) -> None:
    caller = _caller(call)
    row = get_build_notification(call, id, strict=True) or {}
    if row["user_id"] != caller["id"] and not call.has_permission("admin"):
        raise koji.GenericError(f"user {caller['id']} cannot update notifications for user {row['user_id']}")
    wanted = _subject(call, package_id, tag_id) | {"success_only": bool(success_only)}
    _require_new(call, WANTED, row["user_id"], wanted)
    call.db.update(WANTED, {"id": id}, **wanted)


@exposed("deleteNotification")
def delete_notification(call: Call, id: int) -> None:
    row = get_build_notification(call, id, strict=True) or {}
    _delete(call, WANTED, row, "delete notifications")


@exposed("createNotificationBlock")
def create_notification_block(call: Call, user_id: Any, package_id: Any = None, tag_id: Any = None) -> None:
    user = _about(call, user_id, "create notification blocks")
    unwanted = _subject(call, package_id, tag_id)
    _require_new(call, BLOCKED, user["id"], unwanted)
    call.db.insert(BLOCKED, user_id=user["id"], **unwanted)


@exposed("deleteNotificationBlock")
def delete_notification_block(call: Call, id: int) -> None:
    row = get_build_notification_block(call, id, strict=True) or {}
    _delete(call, BLOCKED, row, "delete notification blocks")


def _of_user(call: Call, table: str, user_id: int) -> list[Row]:
    return call.db.all(f"SELECT * FROM {table} WHERE user_id = ? ORDER BY id", (user_id,))


def _find(call: Call, table: str, row_id: int) -> Row | None:
    return call.db.one(f"SELECT * FROM {table} WHERE id = ?", (row_id,))


def _caller(call: Call) -> Row:
    user = get_logged_in_user(call)
    if user is None:
        raise koji.GenericError("Not logged-in")
    return user


def _about(call: Call, info: Any, what: str) -> Row:
    """The user that it is for: the caller, unless an administrator says so."""
    caller = _caller(call)
    user = get_user(call, info)
    if user is None:
        raise koji.GenericError(f"No such user ID: {info}")
    if user["id"] != caller["id"] and not call.has_permission("admin"):
        raise koji.GenericError(f"user {caller['name']} cannot {what} for user {user['name']}")
    return user


def _subject(call: Call, package: Any, tag: Any) -> Row:
    """The ids of package and tag; None stands for any."""
    return {
        "package_id": None if package is None else lookups.id_of(call, "package", package),
        "tag_id": None if tag is None else lookups.id_of(call, "tag", tag),
    }


def _require_new(call: Call, table: str, user_id: int, wanted: Row) -> None:
    if any(wanted.items() <= row.items() for row in _of_user(call, table, user_id)):
        raise koji.GenericError("notification already exists")


def _delete(call: Call, table: str, row: Row, what: str) -> None:
    caller = _caller(call)
    if row["user_id"] != caller["id"] and not call.has_permission("admin"):
        raise koji.GenericError(f"user {caller['id']} cannot {what} for user {row['user_id']}")
    call.db.execute(f"DELETE FROM {table} WHERE id = ?", (row["id"],))
