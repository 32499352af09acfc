"""Whether this host can take a task, and in one sentence why not.

Pure functions of what is known; nothing here asks the hub or the engine.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.config import Config


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the decision depends on. `engine_problem` and `sweep_problem` are empty when all is well."""

    host: Mapping[str, Any]
    task_load: float
    tasks: int
    is_restarting: bool
    storage: Path
    engine_problem: str = ""
    sweep_problem: str = ""


def reason_not_ready(situation: Situation, config: Config) -> str:
    """Empty when a task can be taken."""
    host = situation.host
    if situation.is_restarting:
        return "Pending restart"
    if not host["enabled"]:
        return "Host is disabled"
    if situation.task_load > host["capacity"]:
        return f"Over capacity: task load {situation.task_load:.2f} > {host['capacity']:.2f}"
    if situation.tasks >= config.maxjobs:
        return f"Full queue: {situation.tasks} tasks, maxjobs {config.maxjobs}"
    return (
        _no_space(situation.storage, config.minspace)
        or _busy(config.max_load_per_cpu)
        or situation.engine_problem
        or situation.sweep_problem
    )


def storage_to_measure(engine_storage: Path | None, config: Config) -> Path:
    """Where space is used up: the engine's storage, or our own work directory if that is not on this machine."""
    if engine_storage is not None and engine_storage.is_dir():
        return engine_storage
    return Path(config.workdir)


def _no_space(path: Path, minspace: int) -> str:
    try:
        status = os.statvfs(path)
    except OSError as error:
        return f"Free space at {path} is not known: {error.strerror}"
    available = status.f_bavail * status.f_frsize >> 20
    if available < minspace:
        return f"Insufficient disk space at {path}: {available} MB, minspace {minspace} MB"
    return ""


def _busy(load_per_cpu: float) -> str:
    load = os.getloadavg()[0]
    limit = load_per_cpu * os.sysconf("SC_NPROCESSORS_ONLN")
    return f"Load average {load:.2f} > {limit:.2f}" if load > limit else ""
