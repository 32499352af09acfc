"""What the engine says of containers and times, in the types of the interface."""

import re
from datetime import datetime
from typing import Any

from koji_adjutant.container.interface import ContainerInfo

# Nanoseconds are more than datetime reads.
_FRACTION = re.compile(r"(\.\d{6})\d+")


def epoch(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0 for none."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text)).timestamp() if text else 0.0


def inspected(container: dict[str, Any]) -> ContainerInfo:
    """A container as the engine shows one."""
    state = container["State"]
    return ContainerInfo(
        id=container["Id"],
        state=state["Status"],
        labels=container["Config"].get("Labels") or {},
        created=epoch(container.get("Created", "")),
        exit_code=state.get("ExitCode", 0),
        oom_killed=bool(state.get("OOMKilled")),
        upper_dir=((container.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir", ""),
    )


def listed(container: dict[str, Any]) -> ContainerInfo:
    """A container as it stands in the engine's list."""
    return ContainerInfo(
        id=container["Id"],
        state=container["State"],
        labels=container.get("Labels") or {},
        created=epoch(container.get("Created", "")),
        exit_code=container.get("ExitCode", 0),
        name=next(iter(container.get("Names") or ()), ""),
    )
