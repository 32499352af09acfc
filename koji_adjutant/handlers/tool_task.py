"""What the tasks share that run tools of the task image on files of the hub or of their own, without a buildroot.

`ToolTask.tools` is the context in which such a task works: it chooses the image, puts the task's limits around the
engine and opens the logs, which are on the hub when it is left, whatever happened.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from koji_adjutant.buildroot.settings import HOME
from koji_adjutant.container.interface import ContainerManager, VolumeMount
from koji_adjutant.guards.stack import guarded
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.journal.phases import Phase
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.policy.cache import TagPolicyCache, policy_extra
from koji_adjutant.policy.containers import task_limits
from koji_adjutant.policy.resolver import PolicyResolver
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.topdir import topdir_mounts


@dataclass(frozen=True, kw_only=True)
class ToolTag:
    """The tag whose policy decides on the image and the limits, as of an event."""

    id: int
    name: str
    event: int


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """What a task of tools works with, inside its context."""

    ctx: TaskContext
    image: str
    """Id of the image that has the tools."""
    manager: ContainerManager
    """The engine, with the limits of this task."""
    logs: TaskLogs

    @property
    def topdir(self) -> tuple[VolumeMount, ...]:
        """The mounts of a tool that reads the hub's volume."""
        return topdir_mounts(self.ctx.config)


class ToolTask(TaskHandler):
    """A handler whose work is done by tools of the task image."""

    @contextmanager
    def tools(self, parameters: Mapping[str, Any], tag: ToolTag, arch: str) -> Iterator[Toolbox]:
        """What the tools of this task need, for packages of a tag and an architecture; see `Toolbox`."""
        ctx = self.context(parameters)
        with ExitStack() as stack:
            logs = stack.enter_context(TaskLogs(ctx, on_lost=self.kill_containers, shown=self.services.shown))
            self.services.shown.update(tag=tag.name)
            with self._tag_extra(ctx, tag) as extra:
                choice = PolicyResolver(ctx.config).image_for(
                    tag_name=tag.name, tag_extra=extra, arch=arch, method=self.method
                )
                limits = task_limits(ctx.config, method=self.method, tag_name=tag.name, tag_extra=extra)
                image = self.services.manager.ensure_image_available(
                    choice.reference, ctx.config.image_pull_policy
                )
                ctx.journal.record(
                    Phase.IMAGE_READY, task=self.id, image=choice.reference, digest=image.digest
                )
            manager = stack.enter_context(
                guarded(self.services.manager, ctx.config, limits, task_image=image.id, home=HOME)
            )
            yield Toolbox(ctx=ctx, image=image.id, manager=manager, logs=logs)

    @contextmanager
    def _tag_extra(self, ctx: TaskContext, tag: ToolTag) -> Iterator[Mapping[str, Any]]:
        """What policy needs to know of a tag: known for a while, else from the hub.

        What the hub says is kept when the context has ended well, and not before it was of use: what has to be
        corrected is asked for again.
        """
        config = ctx.config
        cache = TagPolicyCache(config.cache_dir, hub=config.server, ttl=config.policy_cache_ttl)
        known = cache.find(tag.id, tag.event)
        if known is not None:
            yield known
            return
        hub: Any = self.session
        extra = policy_extra((hub.getBuildConfig(tag.id, event=tag.event) or {}).get("extra") or {})
        yield extra
        cache.keep(tag.id, tag.event, extra)
