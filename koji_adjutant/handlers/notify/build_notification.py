"""The `buildNotification` task: a mail about a build that is complete, has failed or was canceled."""

from collections.abc import Mapping, Sequence
from typing import Any

import koji
from koji.util import formatChangelog

from koji_adjutant.handlers.notify.build_report import BuildReport, headers, subject, text
from koji_adjutant.handlers.notify.notification import NotificationTask
from koji_adjutant.handlers.notify.smtp import check_server
from koji_adjutant.handlers.notify.task_tree import facts_of

CHANGES = 3
"""Entries of the changelog that are told."""


class BuildNotificationTask(NotificationTask):
    """Send a mail about a build."""

    def handler(  # type: ignore[override]
        self,
        recipients: Sequence[str],
        build: Mapping[str, Any],
        target: Mapping[str, Any] | None,
        weburl: str,
    ) -> str | None:
        """What the hub keeps as the task's result; None where there was nobody to tell."""
        if not recipients:
            self.logger.debug("task %d: no mail to send", self.id)
            return None
        check_server(self.options)
        hub: Any = self.session
        report = BuildReport(
            build=build,
            dest_tag=target["dest_tag_name"] if target is not None else None,
            tasks=tuple(facts_of(hub, build["task_id"])),
            canceled_by=self._canceled_by(build),
            changelog=formatChangelog(hub.getChangelogEntries(build["id"], queryOpts={"limit": CHANGES})),
            weburl=weburl,
            topurl=self.options.topurl,
        )
        sent = self.post(recipients, subject(report), headers(report), text(report))
        return f"sent notification of build {build['id']} to: {', '.join(sent.accepted)}"

    def _canceled_by(self, build: Mapping[str, Any]) -> str | None:
        if build["state"] != koji.BUILD_STATES["CANCELED"]:
            return None
        hub: Any = self.session
        # The hub makes the mail's task in the name of who has canceled the build.
        owner = hub.getTaskInfo(self.id)["owner"]
        return str(hub.getUser(owner)["name"]) if owner else None
