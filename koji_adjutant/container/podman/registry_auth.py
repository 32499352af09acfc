"""Logins for registries, from a file as `podman login` writes it, in the header that a pull sends them in.

The header goes to the engine's socket and nowhere else; no name or password is in an error message or log.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koji_adjutant.errors import ConfigError

HEADER = "X-Registry-Auth"
HINT = "make it with podman login --authfile"


def headers(path: str) -> Mapping[str, str]:
    """The headers of a pull; none when there is no file configured."""
    if not path:
        return {}
    logins = {registry: _login(path, registry, entry) for registry, entry in _entries(Path(path)).items()}
    found = {registry: login for registry, login in logins.items() if login}
    return {HEADER: base64.urlsafe_b64encode(json.dumps(found).encode()).decode()} if found else {}


def _entries(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()).get("auths", {}))
    except OSError as error:
        raise ConfigError(f"registry_auth_file {path} cannot be read: {error.strerror}", hint=HINT) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"registry_auth_file {path} is not JSON with a key auths", hint=HINT) from error


def _login(path: str, registry: str, entry: Any) -> dict[str, str]:
    if not isinstance(entry, dict) or not entry.get("auth"):
        return {}
    try:
        user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    except (ValueError, TypeError):
        # The cause would show what is in the file.
        raise ConfigError(
            f"registry_auth_file {path}: auth of {registry} is not base64 of user:password", hint=HINT
        ) from None
    return {"username": user, "password": password.rstrip("\0")}
