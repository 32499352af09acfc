"""The `tagNotification` task: a mail about a build that was tagged, untagged or moved, or was to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import koji

from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.notify.mail import lines, quoted
from koji_adjutant.handlers.notify.notification import NotificationTask, required
from koji_adjutant.handlers.notify.smtp import check_server


@dataclass(frozen=True, kw_only=True)
class TagEvent:
    """What has happened to a build."""

    build: Mapping[str, Any]
    user: str
    from_tag: str | None
    into_tag: str | None
    is_successful: bool
    error: str

    @property
    def nvr(self) -> str:
        """The build's."""
        return str(cast("Any", koji).buildLabel(self.build))

    @property
    def action(self) -> str:
        """In Koji's words."""
        if self.from_tag and self.into_tag:
            return "moved"
        return "tagged" if self.into_tag else "untagged"

    @property
    def status(self) -> str:
        """In Koji's words."""
        return "complete" if self.is_successful else "failed"


class TagNotificationTask(NotificationTask):
    """Send a mail about the tags of a build."""

    def handler(  # type: ignore[override]  # noqa: PLR0917 - Koji's order
        self,
        recipients: Sequence[str],
        is_successful: bool,
        tag_info: Any,
        from_info: Any,
        build_info: Any,
        user_info: Any,
        ignore_success: Any = None,
        failure_msg: str = "",
    ) -> str | None:
        """What the hub keeps as the task's result; None where there was nothing to send."""
        if not recipients or (ignore_success and is_successful):
            self.logger.debug("task %d: no mail to send", self.id)
            return None
        check_server(self.options)
        hub: Any = self.session
        build = required(hub.getBuild(build_info), "build", build_info)
        user = required(hub.getUser(user_info), "user", user_info)
        from_tag = required(hub.getTag(from_info), "tag", from_info)["name"] if from_info else None
        into_tag = required(hub.getTag(tag_info), "tag", tag_info)["name"] if tag_info else None
        if not (from_tag or into_tag):
            raise TaskFailed("no mail was sent: the request names no tag")
        event = TagEvent(
            build=build,
            user=user["name"],
            from_tag=from_tag,
            into_tag=into_tag,
            is_successful=is_successful,
            error=failure_msg,
        )
        sent = self.post(recipients, sentence(event), headers(event), text(event))
        return f"sent notification of tag operation {self.id} to: {', '.join(sent.accepted)}"


def sentence(event: TagEvent) -> str:
    """The subject, which readers filter on."""
    result = "successfully" if event.is_successful else "unsuccessfully"
    way = f" from {event.from_tag}" if event.from_tag else ""
    way += f" into {event.into_tag}" if event.into_tag else ""
    return f"{event.nvr} {result} {event.action}{way} by {event.user}"


def headers(event: TagEvent) -> list[tuple[str, str]]:
    """Those that readers filter on; one for each tag."""
    return [
        ("X-Koji-Package", event.build["package_name"]),
        ("X-Koji-NVR", event.nvr),
        ("X-Koji-Draft", str(event.build.get("draft", False))),
        ("X-Koji-User", event.user),
        ("X-Koji-Status", event.status),
        *(("X-Koji-Tag", tag) for tag in (event.from_tag, event.into_tag) if tag),
    ]


def text(event: TagEvent) -> str:
    """The mail's text."""
    rows = [
        f"Package:   {event.build['package_name']}",
        f"Build:     {event.nvr}",
        f"By:        {event.user}",
        f"Status:    {event.status}",
        f"Operation: {event.action}",
    ]
    rows += [f"Out of:    {event.from_tag}"] if event.from_tag else []
    rows += [f"Into:      {event.into_tag}"] if event.into_tag else []
    told = lines([*rows, "", f"{sentence(event)}."])
    return told if event.is_successful else f"{told}\nThe error was:\n{quoted(event.error)}"
