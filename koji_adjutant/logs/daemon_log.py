"""Where the daemon's own messages go: a file (kojid's /var/log/kojid.log), standard error, mail.

There is one tree of loggers, below `koji`: Koji's library has its own there, and ours are called `koji.adjutant.` and
the room of the module. (Lines that kojid has too stay `koji.TaskManager`'s.) What builds, repos and the hub say is
quoted in messages: a record begins at the margin with a line of its own, and nothing in it looks like another, or is
obeyed by a terminal; and no password of a URL is told.
"""

import logging
import os
from logging.handlers import SMTPHandler, WatchedFileHandler
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant import names
from koji_adjutant.config import Config

TREE = "koji"
OF_TASKS = (
    "koji.build.BaseTaskHandler",
    *(f"koji.adjutant.{room}" for room in ("handlers", "task_adapters", "buildroot", "guards", "logs")),
)
"""The loggers of `--debug-task`: what a task process does."""
_FILE_FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"
_MAIL_FORMAT = "%(pathname)s:%(lineno)d [%(levelname)s] %(message)s"
_MARGIN = "  "
_STDERR_FORMAT = "%(asctime)s [%(levelname)s] {%(process)d} %(name)s: %(message)s"


class PlainFormatter(logging.Formatter):
    """One line a record, without control characters; a traceback below it keeps its lines, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of `record`. Text of it that other formatters have kept there is not used: it has its raw lines."""
        record.message = record.getMessage()
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [_fit(self.formatMessage(record))]
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            below.append(self.formatStack(record.stack_info))
        lines += [_MARGIN + _fit(line) for text in below for line in text.split("\n")]
        return "\n".join(lines)


def _fit(text: str) -> str:
    """What is told to whom may read the log: a task's result has its URL as it was given."""
    return names.without_passwords(names.one_line(text))


def set_level(config: Config, *, verbose: bool) -> None:
    """The level of all loggers: of the options log_level, --debug and --verbose the most talkative one."""
    level = config.log_level if config.log_level is not None else logging.WARNING
    if config.debug:
        level = logging.DEBUG
    elif verbose:
        level = logging.INFO
    logging.getLogger(TREE).setLevel(level)
    if config.debug_task:
        for name in OF_TASKS:
            logging.getLogger(name).setLevel(logging.DEBUG)


def log_to_file(path: Path) -> None:
    """Log to the file `path`; as kojid does it, there is no log file where `path` cannot be written."""
    target = path if path.exists() else path.parent
    if os.access(target, os.W_OK):
        _add(WatchedFileHandler(path), _FILE_FORMAT)


def log_to_stderr() -> None:
    """Log to standard error, for a daemon in the foreground; so do messages of libraries without handlers."""
    _add(logging.StreamHandler(), _STDERR_FORMAT)
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(PlainFormatter("%(message)s"))


def log_by_mail(addresses: str) -> None:
    """Send errors by mail to `addresses`, which are separated by spaces (option admin_emails)."""
    cast("Any", koji).add_mail_logger(TREE, addresses)
    for handler in logging.getLogger(TREE).handlers:
        if isinstance(handler, SMTPHandler):
            handler.setFormatter(PlainFormatter(_MAIL_FORMAT))


def _add(handler: logging.Handler, text: str) -> None:
    handler.setFormatter(PlainFormatter(text))
    logging.getLogger(TREE).addHandler(handler)
