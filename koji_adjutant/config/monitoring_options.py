"""Options of what operators see: whether the daemon shows its state, to whom, where, and for how long.

A part of `Config` (`koji_adjutant.config.options`). The status server reads none of it: it is told by
`koji_adjutant.journal.public.MonitoringFacts`, which has the digest of the token in place of the token.
"""

# A field specifier is called once, at class definition, which is what it is for.
# ruff: noqa: RUF009

import re
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.config import values as read
from koji_adjutant.config.option import Place, adjutant, switch
from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind, read_bind
from koji_adjutant.host.token_file import LEAST_TOKEN, digest_of_token
from koji_adjutant.journal.public import GROUP

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def group(value: str) -> str:
    """The name of a group."""
    if not _NAME.fullmatch(value):
        raise ValueError("expected the name of a group")
    return value


@dataclass(frozen=True, kw_only=True)
class MonitoringOptions:
    """The options, with their defaults."""

    monitoring_enabled: bool = switch(
        "show state and logs below state_dir/public, for `status` and the status server",
        on=False,
        place=Place.ADJUTANT,
    )
    monitoring_bind: Bind = adjutant(
        Bind(host="127.0.0.1", port=8080),
        read_bind,
        "where the status server listens: host:port or unix:/path; what other machines reach wants a token",
        shown="127.0.0.1:8080",
    )
    monitoring_token_file: Path | None = adjutant(
        None,
        read.optional_path,
        f"file (0600) with the token, {LEAST_TOKEN} characters or more, that clients of the status server have to send",
    )
    monitoring_group: str = adjutant(
        GROUP, group, "group that may read what is shown; where there is none, the daemon's own"
    )
    monitoring_container_history_ttl: float = adjutant(
        3600.0, read.duration, "time for which a container that is gone is shown", shown="1h"
    )
    monitoring_task_history_ttl: float = adjutant(
        86400.0, read.duration, "time for which a task that has ended is shown, with its logs", shown="1d"
    )
    monitoring_logs_size: int = adjutant(
        1 << 30, read.size, "size of all logs that are shown; those of the oldest tasks go first", shown="1G"
    )


def token_digest(options: MonitoringOptions, origin: str | Path = "monitoring") -> str:
    """SHA-256 of the token, in hex; empty when there is none.

    ConfigError, which names `origin`: the token is missing, or not secret enough.
    """
    if not options.monitoring_enabled:
        return ""
    if options.monitoring_token_file is None:
        if not options.monitoring_bind.is_local:
            raise ConfigError(
                f"{origin}: option monitoring_bind = {str(options.monitoring_bind)!r}: other machines reach that",
                hint="set monitoring_token_file, or bind 127.0.0.1 or a unix socket",
            )
        return ""
    where = f"{origin}: option monitoring_token_file = {str(options.monitoring_token_file)!r}"
    return digest_of_token(options.monitoring_token_file, where)
