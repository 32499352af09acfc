"""What the hub says of a request for a repo, and the builder that makes the repo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import koji

if TYPE_CHECKING:
    from tests.unit.testbed.hub.content_hub import Caller


KEYS = {
    *("id", "create_time", "create_ts", "owner", "owner_name", "priority", "tag_id", "tag_name"),
    *("at_event", "min_event", "opts", "update_time", "update_ts", "active", "task_id", "task_state"),
    *("tries", "repo_id"),
}


def make_repo(builder: Caller, task_id: int, **options: Any) -> int:
    """Do a newRepo task."""
    builder.host.openTask(task_id)
    repo_id, event = builder.host.repoInit("dist", task_id=task_id, **options)
    builder.host.repoDone(repo_id, {})
    builder.host.closeTask(task_id, koji.xmlrpcplus.dumps(([repo_id, event],), methodresponse=True))
    number: int = repo_id
    return number
