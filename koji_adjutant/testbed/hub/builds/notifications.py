"""The tasks that tell people by mail of a build that has ended, or of its tags.

Whoever makes the hub notice it owns the task: the builder that completes a build, the user that cancels one.
"""

from collections.abc import Iterable
from typing import Any

import koji

from koji_adjutant.testbed.hub.builds.builds import BUILDING, COMPLETE, FAILED, get_build, require_build
from koji_adjutant.testbed.hub.people.subscriptions import BLOCKED, WANTED
from koji_adjutant.testbed.hub.people.users import GROUP, NORMAL, require_user
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.database import Row, marks
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.tags.packages import package_list
from koji_adjutant.testbed.hub.tags.tags import get_tag
from koji_adjutant.testbed.hub.tags.targets import get_build_target
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task
from koji_adjutant.testbed.hub.tasks.tasks import decode_request, get_task

ENABLED: int = koji.USER_STATUS["NORMAL"]


def notify_of_build(call: Call, task_id: int, build_id: int) -> None:
    """Tell the people concerned how a build has ended."""
    if call.options.disable_notifications:
        return
    build = require_build(call, build_id)
    target = _target(call, task_id)
    if build["state"] == BUILDING:
        raise koji.GenericError("never send notifications for incomplete builds")
    found = recipients(call, build, target["dest_tag"] if target else None, build["state"])
    if found:
        make_task(call, "buildNotification", [found, build, target, call.options.koji_web_url])


@exposed("host.tagNotification")
def tag_notification(
    call: Call,
    is_successful: bool,
    tag_id: Any,
    from_id: Any,
    build_id: Any,
    user_id: Any,
    ignore_success: bool = False,
    failure_msg: str = "",
) -> None:
    """What a builder says of a tagBuild task."""
    call.require_host()
    notify_of_tag(call, is_successful, tag_id, from_id, build_id, user_id, ignore_success, failure_msg)


def notify_of_tag(
    call: Call,
    is_successful: bool,
    tag_id: Any,
    from_id: Any,
    build_id: Any,
    user_id: Any,
    ignore_success: bool = False,
    failure_msg: str = "",
) -> None:
    """Tell the people concerned that a build came into `tag_id`, out of `from_id`, or did not."""
    if call.options.disable_notifications:
        return
    if user_id and not isinstance(user_id, int):
        user_id = require_user(call, user_id)["id"]
    build = get_build(call, build_id)
    if build is None:
        return
    state = COMPLETE if is_successful else FAILED
    tags = [tag for info in (tag_id, from_id) if info and (tag := get_tag(call, info))]
    found = {each: None for tag in tags for each in recipients(call, build, tag["id"], state)}
    if found and not (is_successful and ignore_success):
        request = [
            list(found),
            is_successful,
            tag_id,
            from_id,
            build_id,
            user_id,
            ignore_success,
            failure_msg,
        ]
        make_task(call, "tagNotification", request)


def recipients(call: Call, build: Row, tag_id: int | None, state: int) -> list[str]:
    """The addresses of who has asked for it, who has built it and who owns the package, but of nobody who does not
    want to hear of it."""
    found = _subscribers(call, build, tag_id, state)
    if call.options.notify_on_success or state != COMPLETE:
        found += [_user(call, build["owner_id"], build["owner_name"]), *_owner(call, build, tag_id)]
    users = sorted({each["user_id"] for each in found})
    unwilling = call.db.values(
        f"SELECT user_id FROM {BLOCKED} WHERE user_id IN ({marks(users)}) AND {_CONCERNS}",
        [*users, build["package_id"], tag_id],
    )
    return sorted({each["email"] for each in found if each["user_id"] not in unwilling})


_CONCERNS = "(package_id = ? OR package_id IS NULL) AND (tag_id = ? OR tag_id IS NULL)"


def _subscribers(call: Call, build: Row, tag_id: int | None, state: int) -> list[Row]:
    condition = _CONCERNS if state == COMPLETE else f"{_CONCERNS} AND NOT success_only"
    return call.db.all(
        f"SELECT user_id, email FROM {WANTED} JOIN users ON users.id = user_id "
        f"WHERE status = ? AND usertype IN (?, ?) AND {condition}",
        [ENABLED, NORMAL, GROUP, build["package_id"], tag_id],
    )


def _owner(call: Call, build: Row, tag_id: int | None) -> Iterable[Row]:
    """The owner of the package in the tag, if that is a person who is not disabled."""
    if tag_id is None:
        return
    package = package_list(call, tag_id, package_id=build["package_id"], owners=True).get(build["package_id"])
    if package is None or package["blocked"]:
        return
    owner = require_user(call, package["owner_id"])
    if (owner["status"], owner["usertype"]) == (ENABLED, NORMAL):
        yield _user(call, owner["id"], owner["name"])


def _user(call: Call, user_id: int, name: str) -> Row:
    return {"user_id": user_id, "email": f"{name}@{call.options.email_domain}"}


def _target(call: Call, task_id: int) -> Row | None:
    """The target of the task's request, as it is now."""
    task = get_task(call, task_id)
    if task["method"] != "build":
        return None
    target = decode_request(task["request"])[1]
    return get_build_target(call, target) if target else None
