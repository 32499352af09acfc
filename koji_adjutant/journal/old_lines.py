"""Which lines of a journal are older than a reader wants: told by their beginning, for a tenth of what reading costs.

A line of this boot is as old as the seconds since the boot say, whoever has set the clock since. One whose beginning is
not as it is written today is not called old; its reader looks at it. Values.
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from koji_adjutant.host.files import boot_id, since_boot

_BEGINNING = re.compile(
    rb'\{"v": 2, "time": "([0-9T:.-]+Z)", "boot_id": "([0-9a-f-]*)", "since_boot": (-?[0-9.]+|null), '
)
_MILLISECONDS = "milliseconds"


@dataclass(frozen=True, kw_only=True)
class OldLines:
    """Tells old lines."""

    before: bytes
    """A time of day, as lines have it."""
    boot: bytes
    since_boot: float

    @classmethod
    def than(cls, seconds: float) -> Self:
        """Those of more than so many seconds ago."""
        then = datetime.fromtimestamp(max(0.0, time.time() - seconds), UTC)
        return cls(
            before=then.isoformat(timespec=_MILLISECONDS).replace("+00:00", "Z").encode(),
            boot=boot_id().encode(),
            since_boot=since_boot() - seconds,
        )

    def __call__(self, line: bytes) -> bool:
        """Whether a line is old."""
        found = _BEGINNING.match(line)
        if found is None:
            return False
        written, boot, since = found.groups()
        if boot == self.boot and since != b"null":
            return float(since) < self.since_boot
        return written < self.before
