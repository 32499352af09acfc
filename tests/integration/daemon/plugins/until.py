"""A plugin: a task that lasts until a file is there, for as long as a busy machine needs for everything else."""

import time
from pathlib import Path
from typing import Any

from koji.tasks import BaseTaskHandler


class UntilTask(BaseTaskHandler):
    """`until(path)`."""

    Methods = ["until"]  # noqa: RUF012 - the library's

    def handler(self, *params: Any) -> None:  # type: ignore[override]
        """Wait for it."""
        (path,) = params
        while not Path(path).exists():
            time.sleep(0.05)
