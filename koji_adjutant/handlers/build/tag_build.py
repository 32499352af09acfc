"""The `tagBuild` task: put a build into a tag, and tell the people concerned how that went."""

from contextlib import suppress
from typing import Any, cast

import koji
from koji.tasks import ServerExit

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.build.build_plan import Id
from koji_adjutant.hub.outage import do_once
from koji_adjutant.journal.phases import Phase


class TagBuildTask(TaskHandler):
    """Tag a build, if it may be. The hub checks again, and in the end decides."""

    def handler(  # type: ignore[override]
        self,
        tag_id: Id,
        build_id: Id,
        force: bool = False,
        fromtag: Id = None,
        ignore_success: bool = False,
    ) -> None:
        """Tag `build_id` into `tag_id`, and take it out of `fromtag` if one is given."""
        owner = self.session.getTaskInfo(cast("Any", self.id))["owner"]
        try:
            self.session.getBuild(build_id, strict=True)
            self.session.getTag(tag_id, strict=True)
            do_once(
                "tagBuild",
                lambda: self.session.host.tagBuild(self.id, tag_id, build_id, force=force, fromtag=fromtag),
                lambda: self._is_tagged(tag_id, build_id),
            )
            self._notify(True, tag_id, fromtag, build_id, owner, ignore_success)
        except (ServerExit, TaskCanceled):
            raise
        except Exception as error:
            text = f"{type(error)}: {error}"
            self._notify(False, tag_id, fromtag, build_id, owner, ignore_success, text)
            raise
        self.services.journal.record(Phase.TAGGED, task=self.id, tag=tag_id, build=build_id)

    def _is_tagged(self, tag_id: Id, build_id: Id) -> bool:
        hub: Any = self.session
        wanted = hub.getTag(tag_id, strict=True)["id"]
        return any(tag["id"] == wanted for tag in hub.listTags(build=build_id))

    def _notify(self, *args: Any) -> None:
        with suppress(koji.RetryError):
            # Who was told cannot be looked up, and nobody is to be told twice.
            self.session.host.tagNotification(*args)
