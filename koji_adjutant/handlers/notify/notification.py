"""What the tasks have in common that send mail: who gets it, what it is called, and the task's result."""

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.notify.mail import Mail
from koji_adjutant.handlers.notify.smtp import Patience, Sent, send


class NotificationTask(TaskHandler):
    """A handler whose work is a mail."""

    clock: Callable[[], float] = staticmethod(time.time)
    patience = Patience()

    def post(
        self, recipients: Sequence[str], subject: str, headers: Sequence[tuple[str, str]], text: str
    ) -> Sent:
        """Send a mail; TaskFailed when nobody gets it."""
        hub = urlsplit(self.options.server).hostname
        mail = Mail(
            sender=self.options.from_addr,
            subject=subject,
            recipients=recipients,
            headers=headers,
            text=text,
            message_id=f"<koji-task-{self.id}@{hub}>",
        )
        return send(self.options, mail, moment=self.clock(), patience=self.patience)


def required(found: dict[str, Any] | None, what: str, info: object) -> dict[str, Any]:
    """What the hub has found; TaskFailed when a mail would be about nothing."""
    if not found:
        raise TaskFailed(f"no mail was sent: {what} {info} does not exist")
    return found
