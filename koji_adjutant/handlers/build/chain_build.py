"""The `chainbuild` task: builds in levels, of which each one sees what the levels before it have built.

It does no work of its own: a `build` for each source, and before a level a `waitrepo` for a repo that has the builds
of the level before. Each subtask has a label, so that one whose answer was lost is not made twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed, TaskFailed
from koji_adjutant.handlers.base import TaskHandler


class ChainBuildTask(TaskHandler):
    """Build one level of packages after another."""

    def handler(  # type: ignore[override]
        self, srcs: Sequence[Sequence[str]], target: str, opts: Mapping[str, Any] | None = None
    ) -> None:
        """Build each level of `srcs`: URLs to build from, and builds (N-V-R) that the next level waits for."""
        if (opts or {}).get("scratch"):
            raise BuildFailed("--scratch is not allowed with chain-builds")
        found: Mapping[str, Any] | None = self.session.getBuildTarget(target)
        if not found:
            raise TaskFailed(f"unknown build target: {target}")
        builds: list[str] = []
        for number, level in enumerate(srcs):
            if builds:
                self._wait_for_repo(number, found["build_tag_name"], builds)
            subtasks = [
                self.session.host.subtask(
                    method="build",
                    arglist=[src, target, opts],
                    label=f"build {number},{place}",
                    parent=self.id,
                )
                for place, src in enumerate(level)
                if SCM.is_scm_url(src)
            ]
            builds = [src for src in level if not SCM.is_scm_url(src)]
            if subtasks:
                self.wait(subtasks, all=True, failany=True)
            builds += [nvr for subtask in subtasks for nvr in self._built(subtask)]

    def _wait_for_repo(self, number: int, tag: str, builds: list[str]) -> None:
        subtask = self.session.host.subtask(
            method="waitrepo", arglist=[tag, None, builds], label=f"wait {number}", parent=self.id
        )
        self.wait(subtask, all=True, failany=True)

    def _built(self, subtask: int) -> list[str]:
        hub: Any = self.session
        return [build["nvr"] for build in hub.listBuilds(taskID=subtask)[:1]]
