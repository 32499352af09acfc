"""What a task is called among people: one line of text, as Koji's own programs call it. Pure."""

import re
from typing import Any, cast

import koji
from koji.tasks import BaseTaskHandler

LIMIT = 200
_LOGIN = re.compile(r"//[^/@\s]*@")
"""Of a URL: who may see that a task runs need not see it."""


def task_label(handler: BaseTaskHandler, arch: str) -> str:
    """`hello-1.0-1.src.rpm, x86_64`: what the handler was asked for, without the method. `arch` is the task's."""
    task = cast("Any", handler)
    request = list(cast("Any", koji).encode_args(*task.params, **task.opts))
    label = str(cast("Any", koji).taskLabel({"method": task.method, "request": request, "arch": arch}))
    inside = label.removeprefix(f"{task.method} (").removesuffix(")") if label.endswith(")") else label
    return _LOGIN.sub("//", inside)[:LIMIT]
