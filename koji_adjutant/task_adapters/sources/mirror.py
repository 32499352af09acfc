"""Mirrors: bare git repositories on this host of which a checkout need not be sent again what they have.

A checkout borrows from a mirror, read-only, and parts with it before a revision is sought: what it has then is what the
server shows it, no more. The mirror is made of the checkouts themselves. A task leaves the packs and references of one
in the cache directory; a helper of the daemon has a container without network, capability or anything else to write to
take them over. So a mirror never holds more than a server has given, needs no credentials, and slows no task.

A mirror is one of a URL without its password, whoever may read it: what a checkout gets is decided by the server, which
it talks to. `<key>.json` says what the mirror `<key>.git` has, and is not there unless that is whole; `<key>.lock` is
held by whoever reads or changes it; `<key>.incoming` waits to be taken over. Nothing on the host reads in a mirror.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant import names
from koji_adjutant.buildroot.install.downloads import locked_at_once
from koji_adjutant.config import Config
from koji_adjutant.container.interface import VolumeMount
from koji_adjutant.host.files import replace_json
from koji_adjutant.task_adapters.sources.git_dir import GIT_DIR

MIRROR = "/var/tmp/mirror"  # noqa: S108 - in containers
STATE = "state.json"
"""In what was left: what `<key>.json` will be."""
REFERENCES_LIMIT = 64 << 20
SHARED = (b"refs/remotes/origin/", b"refs/tags/")
"""The references of a clone that are the server's."""
_PACK = re.compile(r"pack-[0-9a-f]{40}(?:[0-9a-f]{24})?\.(?:pack|idx)")
_SHA256 = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"

logger = logging.getLogger("koji.adjutant.task_adapters.sources")


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """The mirrors below the cache directory."""

    config: Config

    @property
    def directory(self) -> Path:
        """Where they are."""
        return mirror_directory(self.config)

    @contextmanager
    def borrowed(self, url: str) -> Iterator[Path | None]:
        """The mirror of `url`, unchanged while this lasts; None where there is none, or somebody is changing it."""
        state = self._path(url, "json")
        with ExitStack() as held:
            found = None
            with suppress(OSError):
                if self.config.scm_cache_size and state.exists():
                    # Nobody ever waits for a mirror.
                    lock = self._path(url, "lock")
                    is_ours = held.enter_context(locked_at_once(lock, exclusive=False))
                    if is_ours and state.exists():
                        os.utime(state)
                        found = self._path(url, "git")
            yield found

    def mounts(self, mirror: Path | None) -> tuple[VolumeMount, ...]:
        """What a checkout that borrows sees of the mirror."""
        if mirror is None:
            return ()
        return (VolumeMount(source=self.config.engine_path(mirror), target=MIRROR, options=("rbind",)),)

    def discard(self, url: str) -> None:
        """Nobody borrows from this mirror any more: a checkout could not be made with it."""
        logger.warning("the mirror of %s cannot be used, and is made anew", url)
        self._path(url, "json").unlink(missing_ok=True)

    def leave(self, url: str, tree: Path, image: str) -> bool:
        """Leave what `tree`, a clone of `url`, has for its mirror, unless that has it; whether something was left.

        `image` has the git that takes it over. The clone's packs are the same files then, where they can be.
        """
        git_dir = tree / GIT_DIR
        if not self.config.scm_cache_size or not _is_plain(tree):
            return False
        references = _references(git_dir)
        state = {"url": url, "image": image, "references": hashlib.sha256(references).hexdigest()}
        incoming = self._path(url, "incoming")
        size = sum(pack.stat().st_size for pack in _packs(git_dir))
        if not references or size > self.config.scm_cache_size or incoming.exists():
            return False
        if read_state(self._path(url, "json")).get("references") == state["references"]:
            return False
        self.directory.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=self.directory, prefix=f"{self._key(url)}.new-"))
        try:
            _make_repository(new, git_dir, references)
            replace_json(new / STATE, state)
            new.rename(incoming)
        except OSError as error:
            # Somebody else has left the like, or the disk is full: the checkout is there, and that is enough.
            logger.info("nothing is left for the mirror of %s: %s", url, error)
            return False
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return True

    def _path(self, url: str, suffix: str) -> Path:
        return self.directory / f"{self._key(url)}.{suffix}"

    @staticmethod
    def _key(url: str) -> str:
        return names.token(url).replace(".", "-")


def mirror_directory(config: Config) -> Path:
    """Where the mirrors are."""
    return config.cache_dir / "scm"


def _is_plain(tree: Path) -> bool:
    """Whether a clone is where it says that it is: a checkout may have links in any place, to anything."""
    below = ("", GIT_DIR, f"{GIT_DIR}/objects", f"{GIT_DIR}/objects/pack")
    return (
        all(not (path := tree / part).is_symlink() and path.is_dir() for part in below)
        and not tree.parent.is_symlink()
    )


def _references(git_dir: Path) -> bytes:
    """The references of a clone that the server has, one a line."""
    path = git_dir / "packed-refs"
    if path.is_symlink() or not path.is_file() or path.stat().st_size > REFERENCES_LIMIT:
        return b""
    found = (line for line in path.read_bytes().splitlines() if line.partition(b" ")[2].startswith(SHARED))
    return b"".join(line + b"\n" for line in sorted(found))


def _packs(git_dir: Path) -> Iterator[Path]:
    for path in (git_dir / "objects" / "pack").iterdir():
        if _PACK.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            yield path


def _make_repository(new: Path, git_dir: Path, references: bytes) -> None:
    new.chmod(0o755)
    (new / "refs").mkdir()
    (new / "objects" / "pack").mkdir(parents=True)
    (new / "HEAD").write_text("ref: refs/heads/none\n")
    (new / "packed-refs").write_bytes(references)
    if len(references.split(b" ", 1)[0]) == 64:  # noqa: PLR2004 - digits of the longer hash
        (new / "config").write_text(_SHA256)
    for pack in _packs(git_dir):
        target = new / "objects" / "pack" / pack.name
        try:
            os.link(pack, target)
        except OSError:
            shutil.copyfile(pack, target)


def read_state(path: Path) -> dict[str, Any]:
    """What a mirror has, or was left for it; empty where that is not to be known."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
