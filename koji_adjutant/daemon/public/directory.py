"""Who may read what of the state directory: a group the journal and `public`, nobody else anything.

`open_to_group` is called at each start, before anything is written: a state directory of an earlier version, whose
files were hidden by its own mode alone, is closed file by file before the group may pass. `public` hands its group on
to what is made in it. Files that come later are their owner's alone (koji_adjutant.host.files), except where their
writer says otherwise.
"""

from pathlib import Path
from stat import S_ISGID

from koji_adjutant.config import Config
from koji_adjutant.config.monitoring_options import token_digest
from koji_adjutant.host.disks import unusable
from koji_adjutant.host.groups import group_id, keep_to_owner, share
from koji_adjutant.journal.file import SHARED_MODE, file_names
from koji_adjutant.journal.public import (
    DIRECTORY_MODE,
    LOGS,
    MONITORING,
    TASKS,
    MonitoringFacts,
    public_directory,
    write_facts,
)
from koji_adjutant.journal.state import JOURNAL

PASSABLE = 0o710
OF_SERVER = "status"
"""The directory of the status server's own."""
_LATER = ("logs",)
"""Directories that others make when they need them."""


def make_readable(config: Config) -> None:
    """Open the state directory to the group of the configuration, and show there what a status server has to know."""
    group, state_dir = group_id(config.monitoring_group), config.state_dir
    try:
        open_to_group(state_dir, group)
        if config.monitoring_enabled:
            make_public(state_dir, group)
            write_facts(public_directory(state_dir) / MONITORING, monitoring_facts(config))
    except OSError as error:
        raise unusable(f"state_dir {state_dir}", error, hint="set state_dir") from error


def monitoring_facts(config: Config) -> MonitoringFacts:
    """What the configuration says to a status server. ConfigError."""
    return MonitoringFacts(
        bind=str(config.monitoring_bind),
        token_sha256=token_digest(config),
        container_history_ttl=config.monitoring_container_history_ttl,
        task_history_ttl=config.monitoring_task_history_ttl,
        group=config.monitoring_group,
    )


def open_to_group(state_dir: Path, group: int) -> None:
    """Have `group` read the journal of an existing state directory, and `public` if there is one. OSError."""
    for name in _LATER:
        (state_dir / name).mkdir(mode=0o700, exist_ok=True)
    public, journal = public_directory(state_dir), state_dir / JOURNAL
    shared = {public, *file_names(journal)}
    for path in state_dir.iterdir():
        if path not in shared and path.name != OF_SERVER:
            keep_to_owner(path)
    for path in file_names(journal):
        if path.exists():
            share(path, group, SHARED_MODE)
    share(state_dir, group, PASSABLE)


def make_public(state_dir: Path, group: int) -> None:
    """Make `public` and what is below it. OSError."""
    public = public_directory(state_dir)
    for directory in (public, public / TASKS, public / LOGS):
        directory.mkdir(mode=0o700, exist_ok=True)
        share(directory, group, DIRECTORY_MODE | S_ISGID)
