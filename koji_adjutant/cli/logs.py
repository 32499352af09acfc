"""Where the daemon's own messages go: a file (kojid's /var/log/kojid.log), standard error, mail.

All loggers of Koji's library and of ours are below `koji` and `koji_adjutant`; both get the same handlers.
"""

import logging
import os
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.config import Config

NAMES = ("koji", "koji_adjutant")
_FILE_FORMAT = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"
_STDERR_FORMAT = "%(asctime)s [%(levelname)s] {%(process)d} %(name)s: %(message)s"


def set_level(config: Config, *, verbose: bool) -> None:
    """From the options, the most talkative wins."""
    level = config.log_level if config.log_level is not None else logging.WARNING
    if config.debug:
        level = logging.DEBUG
    elif verbose:
        level = logging.INFO
    for name in NAMES:
        logging.getLogger(name).setLevel(level)
    if config.debug_task:
        logging.getLogger("koji.build.BaseTaskHandler").setLevel(logging.DEBUG)
        logging.getLogger("koji_adjutant.handlers").setLevel(logging.DEBUG)


def log_to_file(path: Path) -> None:
    """As kojid: where the file cannot be written, there is none."""
    target = path if path.exists() else path.parent
    if os.access(target, os.W_OK):
        _add(WatchedFileHandler(path), _FILE_FORMAT)


def log_to_stderr() -> None:
    """Of a daemon in the foreground."""
    _add(logging.StreamHandler(), _STDERR_FORMAT)


def log_by_mail(addresses: str) -> None:
    """Errors, to these addresses."""
    for name in NAMES:
        cast("Any", koji).add_mail_logger(name, addresses)


def _add(handler: logging.Handler, text: str) -> None:
    handler.setFormatter(logging.Formatter(text))
    for name in NAMES:
        logging.getLogger(name).addHandler(handler)
