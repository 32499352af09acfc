"""Care of the mirrors, in a helper of the daemon: what tasks have left is taken over, what is too much goes.

What takes over is a container without network or capability, which sees one mirror and what one checkout had. It may
be killed at any moment: a mirror is borrowed from again only when it is whole.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant import names
from koji_adjutant.buildroot.install.downloads import locked_at_once
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, Containers, ContainerSpec, VolumeMount
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import TOOL_PATH, TailSink, bash
from koji_adjutant.errors import TaskTimeout
from koji_adjutant.host.files import DAY, replace_json
from koji_adjutant.host.git import git_environment
from koji_adjutant.policy.containers import own_user
from koji_adjutant.task_adapters.sources.mirror import MIRROR, STATE, mirror_directory, read_state

SCRIPT = Path(__file__).with_name("scripts") / "mirror.sh"
SCRIPT_TEXT = SCRIPT.read_text()
INCOMING = "/var/tmp/incoming"  # noqa: S108 - in a container that nobody else has
TAKE_OVER_SECONDS = 3600.0

logger = logging.getLogger("koji.adjutant.task_adapters.sources")


@dataclass(frozen=True, kw_only=True)
class MirrorCare:
    """What is to be done for the mirrors below the cache directory."""

    config: Config

    @property
    def _directory(self) -> Path:
        return mirror_directory(self.config)

    def has_incoming(self) -> bool:
        """Whether something is to be taken over."""
        return next(self._directory.glob("*.incoming"), None) is not None

    def take_over(self, manager: ContainerManager, worker: str) -> None:
        """Have each mirror take over what tasks have left for it; what cannot be taken over is thrown away."""
        for incoming in sorted(self._directory.glob("*.incoming")):
            with locked_at_once(incoming.with_suffix(".lock")) as is_ours:
                if is_ours:
                    state = read_state(incoming / STATE)
                    if state.get("image") and manager.has_image(state["image"]):
                        self._take_over(incoming, state, manager, worker)
                    shutil.rmtree(incoming, ignore_errors=True)

    def _take_over(self, incoming: Path, state: Mapping[str, Any], manager: Containers, worker: str) -> None:
        mirror, whole = incoming.with_suffix(".git"), incoming.with_suffix(".json")
        if not whole.exists():
            shutil.rmtree(mirror, ignore_errors=True)
        whole.unlink(missing_ok=True)
        mirror.mkdir(exist_ok=True)
        said = TailSink()
        try:
            code = manager.run(
                take_over_spec(self.config, mirror, incoming, state["image"], worker),
                said,
                timeout=TAKE_OVER_SECONDS,
            )
        except TaskTimeout:
            code = -1
        if code == 0:
            replace_json(whole, dict(state))
            return
        logger.warning(
            "no mirror of %s: %s",
            state.get("url"),
            names.one_line(said.data.decode(errors="replace").strip()),
        )
        shutil.rmtree(mirror, ignore_errors=True)

    def prune(self, now: float | None = None) -> int:
        """Remove what is too much, those that no checkout used for longest first, and what killed processes left."""
        now = time.time() if now is None else now
        for left in self._directory.glob("*.new-*"):
            if left.stat().st_mtime < now - DAY:
                shutil.rmtree(left, ignore_errors=True)
        mirrors = {path: path.with_suffix(".json") for path in self._directory.glob("*.git")}
        sizes = {path: _size(path) for path in mirrors}
        total, freed = sum(sizes.values()), 0
        for path, state in sorted(mirrors.items(), key=lambda pair: _used(pair[1])):
            if state.exists() and total - freed <= self.config.scm_cache_size:
                break
            with locked_at_once(path.with_suffix(".lock")) as is_ours:
                if is_ours:
                    state.unlink(missing_ok=True)
                    shutil.rmtree(path, ignore_errors=True)
                    freed += sizes[path]
                    path.with_suffix(".lock").unlink(missing_ok=True)
        return freed


def take_over_spec(config: Config, mirror: Path, incoming: Path, image: str, worker: str) -> ContainerSpec:
    """The container that takes over what was left: it sees that, the mirror, and nothing else. Pure."""
    return ContainerSpec(
        image=image,
        command=bash(SCRIPT_TEXT, SCRIPT.name, MIRROR, INCOMING),
        labels={**config.container_labels, **Owner(worker=worker).labels(Role.TOOL)},
        environment={
            "PATH": TOOL_PATH,
            "LANG": "C.UTF-8",
            "HOME": "/nonexistent",
            **git_environment(safe__directory="*", fetch__unpackLimit="1"),
            "GIT_ALLOW_PROTOCOL": "file",
        },
        user=own_user(config),
        mounts=(
            VolumeMount(source=config.engine_path(incoming), target=INCOMING, options=("rbind",)),
            VolumeMount(
                source=config.engine_path(mirror), target=MIRROR, read_only=False, options=("rbind",)
            ),
        ),
        label_disable=True,
    )


def _used(state: Path) -> float:
    try:
        return state.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(directory: Path) -> int:
    total = 0
    for where, _, files in os.walk(directory):
        for name in files:
            with suppress(FileNotFoundError):
                total += Path(where, name).lstat().st_size
    return total
