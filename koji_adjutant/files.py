"""Files that several processes read and write: each is there as a whole, or as it was before."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

PARTIAL = ".new-"
"""How the name of a file begins that is being written, before its writer's pid; a killed process leaves it so."""


def replace_json(path: Path, content: Any, *, mode: int = 0o600) -> None:
    """Write `content` as JSON under `path`, at once; its directory has to be there. OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{PARTIAL}{os.getpid()}-")
    new = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
            os.fchmod(handle, mode)
        new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def remove_partial(directory: Path) -> None:
    """Remove what processes of this machine were writing in `directory` when they died; no clock is asked."""
    for file in directory.glob(f"{PARTIAL}*"):
        writer = file.name.removeprefix(PARTIAL).partition("-")[0]
        if not Path("/proc", writer or "none").is_dir():
            file.unlink(missing_ok=True)
