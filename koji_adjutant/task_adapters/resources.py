"""resources.json: what the making of a package has taken, beside its logs at the hub (option build_evidence).

| key | what |
|---|---|
| `version` | of this form: 1; a new key makes no new one |
| `task`, `method`, `arch` | of the task |
| `limits` | what its containers might take, as far as limited: `memory_bytes`, `cpus`, `pids`, `disk_bytes` |
| `total` | the highest peak of a container (`memory_bytes`, `pids`), `disk_bytes` of the build, sums of the rest |
| `containers` | each: `role`, `seconds`, and figures |
| `phases` | of rpmbuild, in their order: `name`, `seconds`, and figures |

Figures are those of koji_adjutant.journal.use.Use, left out where they could not be measured.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from koji_adjutant.container.labels import Role
from koji_adjutant.guards.usage import MeasuredContainer, MeasuredPhase
from koji_adjutant.journal.use import Use

NAME = "resources.json"
VERSION = 1


def resources_text(
    *,
    task: Mapping[str, Any],
    limits: Mapping[str, float],
    containers: Sequence[MeasuredContainer],
    phases: Sequence[MeasuredPhase],
) -> str:
    """The file; `task` are the keys that say which. Pure."""
    content = {
        "version": VERSION,
        **task,
        "limits": dict(limits),
        "total": total(containers).details(),
        "containers": [
            {"role": one.role, "seconds": round(one.seconds, 3), **one.use.details()} for one in containers
        ],
        "phases": [
            {"name": one.name, "seconds": round(one.seconds, 3), **one.use.details()} for one in phases
        ],
    }
    return json.dumps(content, indent=2) + "\n"


def total(containers: Sequence[MeasuredContainer]) -> Use:
    """Of all containers of a task together. Pure."""
    uses = [one.use for one in containers]
    return Use(
        memory_bytes=max((use.memory_bytes for use in uses if use.memory_bytes is not None), default=None),
        pids=max((use.pids for use in uses if use.pids is not None), default=None),
        cpu_seconds=_sum([use.cpu_seconds for use in uses]),
        read_bytes=_sum([use.read_bytes for use in uses]),
        written_bytes=_sum([use.written_bytes for use in uses]),
        disk_bytes=_sum([one.use.disk_bytes for one in containers if one.role == Role.BUILD]),
    )


def _sum(values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
