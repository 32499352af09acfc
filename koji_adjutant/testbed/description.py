"""What `up` made, written down for every later command: URLs, addresses, images, source packages. Holds no secret."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Description:
    """A testbed that is up."""

    server: str
    """The hub, as the client and the daemon reach it: on loopback."""
    topurl: str
    """Koji's files, as the solver reaches them: on the gateway of the engine's bridge."""
    topdir: str
    arch: str
    task_image: str
    external_repo: str
    srpms: Mapping[str, str]
    """Source packages by short name."""
    engine: Mapping[str, str]
    """What podman's own command needs in its environment."""


def write_description(layout: Layout, description: Description) -> None:
    layout.description.write_text(json.dumps(asdict(description), indent=2) + "\n")


def read_description(layout: Layout) -> Description:
    """ConfigError when no testbed is up in the layout's directory."""
    try:
        return Description(**json.loads(layout.description.read_text()))
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no testbed in {layout.directory}", hint="koji-adjutant testbed up makes one"
        ) from error


def cache_directory(environment: Mapping[str, str], home: Path) -> Path:
    """What testbeds share: the distribution, and what apt downloaded for it."""
    base = Path(environment["XDG_CACHE_HOME"]) if environment.get("XDG_CACHE_HOME") else home / ".cache"
    return base / "koji-adjutant"
