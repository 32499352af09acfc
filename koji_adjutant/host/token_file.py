"""A token in a file of its own: one line, that nobody but the file's owner may read. What is kept of it is a digest."""

import hashlib
import os
import re
from pathlib import Path
from stat import S_IMODE

from koji_adjutant.errors import ConfigError

LEAST_TOKEN = 32
"""Characters."""
MOST_TOKEN = 4096
_TOKEN = re.compile(r"[!-~]+")


def digest_of_token(path: Path, where: str) -> str:
    """SHA-256 of the token in `path`, in hex. ConfigError: it is missing, or not secret enough; `where` says whose."""
    return hashlib.sha256(_token(path, where)).hexdigest()


def _token(path: Path, where: str) -> bytes:
    hint = f"openssl rand -hex {LEAST_TOKEN} > {path} && chmod 0600 {path}"
    try:
        with path.open("rb") as file:
            mode = S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(MOST_TOKEN + 2).strip()
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror}", hint=hint) from error
    if mode & 0o077:
        raise ConfigError(f"{where}: others may read it (mode {mode:04o})", hint=f"chmod 0600 {path}")
    if not LEAST_TOKEN <= len(text) <= MOST_TOKEN or not _TOKEN.fullmatch(text.decode("latin-1")):
        what = f"expected one line of {LEAST_TOKEN} to {MOST_TOKEN} printable characters without spaces"
        raise ConfigError(f"{where}: {what}", hint=hint)
    return text
