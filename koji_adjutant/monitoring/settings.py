"""What the status server is told: by its command line, and for the rest by the daemon's `monitoring.json`.

The daemon writes that file when it starts; a server that starts before it waits. kojid.conf is not read, for it may
hold a password that this process is not to know. Values; a server that finds others later begins anew with them.
"""

from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.errors import ConfigError
from koji_adjutant.host.bind import Bind, read_bind
from koji_adjutant.host.token_file import digest_of_token
from koji_adjutant.journal.public import MONITORING, MonitoringFacts, public_directory, read_facts

_ANY_PORT = ":0"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the command line says."""

    state_dir: Path
    own_dir: Path
    bind: str = ""
    token_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server works with."""

    bind: Bind
    token_sha256: str
    group: str
    task_history_ttl: float
    container_history_ttl: float


def settings(given: Given) -> Settings | None:
    """What is to be done; None while nobody has said it. ConfigError."""
    facts = read_facts(MonitoringFacts, public_directory(given.state_dir) / MONITORING)
    if facts is None:
        # Not even where the command line says where to listen: there may be a token to ask for.
        return None
    bind = _bind(given.bind or facts.bind, "--bind" if given.bind else MONITORING)
    digest = facts.token_sha256
    if given.token_file is not None:
        digest = digest_of_token(given.token_file, f"--token-file {given.token_file}")
    if not digest and not bind.is_local:
        raise ConfigError(
            f"other machines reach {bind}, and there is no token",
            hint="set monitoring_token_file in kojid.conf (or give --token-file), or bind 127.0.0.1 or a unix socket",
        )
    return Settings(
        bind=bind,
        token_sha256=digest,
        group=facts.group,
        task_history_ttl=facts.task_history_ttl,
        container_history_ttl=facts.container_history_ttl,
    )


def _bind(text: str, origin: str) -> Bind:
    """`text` as a place to listen on; with port 0 the kernel chooses one, and the log says which."""
    try:
        if text.endswith(_ANY_PORT):
            return Bind(host=read_bind(f"{text.removesuffix(_ANY_PORT)}:1").host, port=0)
        return read_bind(text)
    except ValueError as error:
        raise ConfigError(f"{origin}: {text!r}: {error}") from error
