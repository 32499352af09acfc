"""What clients ask a builder to do with packages: build one, make a repo."""

from pathlib import Path
from typing import Any

import koji

from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.registry import exposed
from koji_adjutant.testbed.hub.rpc.values import require_type
from koji_adjutant.testbed.hub.tags.tags import require_tag
from koji_adjutant.testbed.hub.tasks.new_tasks import make_task

REPO_PRIORITY = 15


@exposed("build")
def build(
    call: Call, src: str, target: Any, opts: Any = None, priority: int | None = None, channel: Any = None
) -> int:
    """`priority` is relative; only administrators may go before others."""
    call.require_login()
    require_type(src, str)
    return make_task(call, "build", [src, target, opts or {}], **_task_options(call, priority, channel))


@exposed("chainBuild")
def chain_build(
    call: Call, srcs: Any, target: Any, opts: Any = None, priority: int | None = None, channel: Any = None
) -> int:
    """Levels of sources, each of which is built after the one before."""
    call.require_login()
    require_type(srcs, list)
    return make_task(call, "chainbuild", [srcs, target, opts or {}], **_task_options(call, priority, channel))


def _task_options(call: Call, priority: int | None, channel: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if priority:
        if priority < 0 and not call.has_permission("admin"):
            raise koji.ActionNotAllowed("only admins may create high-priority tasks")
        options["priority"] = koji.PRIO_DEFAULT + priority
    if channel:
        options["channel"] = channel
    return options


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
