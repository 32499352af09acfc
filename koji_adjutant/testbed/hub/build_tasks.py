"""What clients ask a builder to do with packages: build one, make a repo."""

from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.call import Call
from koji_adjutant.testbed.hub.new_tasks import make_task
from koji_adjutant.testbed.hub.registry import exposed
from koji_adjutant.testbed.hub.tags import require_tag
from koji_adjutant.testbed.hub.values import require_type

REPO_PRIORITY = 15


@exposed("build")
def build(
    call: Call, src: str, target: Any, opts: Any = None, priority: int | None = None, channel: Any = None
) -> int:
    """`priority` is relative; only administrators may go before others."""
    call.require_login()
    require_type(src, str)
    options: dict[str, Any] = {}
    if priority:
        if priority < 0 and not call.has_permission("admin"):
            raise koji.ActionNotAllowed("only admins may create high-priority tasks")
        options["priority"] = koji.PRIO_DEFAULT + priority
    if channel:
        options["channel"] = channel
    return make_task(call, "build", [src, target, opts or {}], **options)


@exposed("newRepo")
def new_repo(
    call: Call,
    tag: Any,
    event: int | None = None,
    src: bool = False,
    debuginfo: bool = False,
    separate_src: bool = False,
) -> int:
    if not call.has_permission("repo"):
        call.require_permission("regen-repo")
    require_tag(call, tag, event)
    # A builder refuses the task when this is missing.
    (Path(call.paths.topdir) / "repos").mkdir(parents=True, exist_ok=True)
    given = {"event": event, "src": src, "separate_src": separate_src, "debuginfo": debuginfo}
    options = {name: value for name, value in given.items() if value not in {None, False}}
    arguments = koji.encode_args(tag, **options)
    return make_task(call, "newRepo", arguments, priority=REPO_PRIORITY, channel="createrepo")
