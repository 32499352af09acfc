"""The callbacks of a checkout, as plugins of kojid know them: preSCMCheckout and postSCMCheckout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import koji.plugin

from koji_adjutant.task_adapters.buildroot_adapter import Workplace
from koji_adjutant.task_adapters.sources.checkout import CheckedOut


@dataclass(frozen=True, kw_only=True)
class CallbackBuildroot:
    """What plugins are told of a buildroot. There is no root of it on this host, and nothing to run in it."""

    id: int
    """Of the hub's record."""
    name: str
    task_id: int
    tag_id: int
    tag_name: str
    repoid: int
    repo_info: Mapping[str, Any]
    event_id: int
    br_arch: str
    target_arch: str
    install_group: str
    workdir: str

    @classmethod
    def of(cls, place: Workplace, repo: Mapping[str, Any]) -> Self:
        """That of a task."""
        settings = place.settings
        return cls(
            id=place.buildroot_id,
            name=f"{settings.tag_name}-{place.buildroot_id}-{settings.repo_id}",
            task_id=place.ctx.task_id,
            tag_id=settings.tag_id,
            tag_name=settings.tag_name,
            repoid=settings.repo_id,
            repo_info=repo,
            event_id=settings.event_id,
            br_arch=settings.arch,
            target_arch=settings.target_arch,
            install_group=settings.group,
            workdir=str(place.ctx.workdir),
        )


@dataclass(frozen=True, kw_only=True)
class Callbacks:
    """Runs the callbacks of one task; see `CheckoutPlugins`."""

    run_before: Callable[[], None]
    run_after: Callable[[Path], None]
    """Is given the module's directory."""

    @property
    def is_asked_before(self) -> bool:
        """Whether a plugin has a callback for it."""
        return has_callbacks("preSCMCheckout")

    @property
    def is_asked_after(self) -> bool:
        """The same of the other."""
        return has_callbacks("postSCMCheckout")

    def before(self) -> None:
        """Have the plugins asked."""
        self.run_before()

    def after(self, checkout: CheckedOut) -> None:
        """Have the plugins asked."""
        self.run_after(checkout.directory)


def has_callbacks(name: str) -> bool:
    """Whether a plugin has registered for it."""
    registered: Mapping[str, Any] = cast("Any", koji.plugin.callbacks)
    return bool(registered.get(name))
