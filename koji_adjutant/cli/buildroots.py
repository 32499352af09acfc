"""`koji-adjutant buildroots`: what is kept ready on this host, to look at and to throw away.

The command asks the engine and reads the usage records; the daemon need not run, and does not notice.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from koji_adjutant import names
from koji_adjutant.buildroot.images.cached import CachedImage, cached_images
from koji_adjutant.buildroot.images.removal import Limits, Removal, own_size, prune, to_remove
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.cli.own_paths import with_own_paths
from koji_adjutant.config import DEFAULT_FILE, Config, load_config
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import ConfigError
from koji_adjutant.host.groups import group_id
from koji_adjutant.journal.file import FileJournal
from koji_adjutant.journal.phases import Journal, NullJournal
from koji_adjutant.journal.state import JOURNAL

HEADINGS = ("TAG", "ARCH", "GROUP", "KIND", "REPOS", "PACKAGES", "SIZE", "LAST USED", "HITS")
SCAN = "look at all images of the engine, also those without a usage record; slow with hundreds"
EVERYTHING = Limits(size=0, age=float("-inf"))
_UNITS = ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


@dataclass(frozen=True, kw_only=True)
class Cache:
    """The buildroots of this host."""

    config: Config
    manager: PodmanManager
    records: UsageRecords
    worker: str
    """The daemon's name; empty when it has never run here."""

    @property
    def journal(self) -> Journal:
        """The daemon's."""
        if not self.worker:
            return NullJournal()
        return FileJournal(self.config.state_dir / JOURNAL, group=group_id(self.config.monitoring_group))

    def images(self, *, scan: bool = False) -> tuple[CachedImage, ...]:
        """The images that tasks can find, used last first; `scan`: images that have no usage record, too."""
        found = cached_images(self.manager, self.records, scan=scan)
        return tuple(cached for cached in found if cached.name)


@contextmanager
def open_cache(file: Path) -> Iterator[Cache]:
    """The cache of the daemon that is configured by `file`."""
    config = with_own_paths(load_config(file))
    manager = PodmanManager(str(config.podman_socket), config.container_timeouts)
    try:
        yield Cache(
            config=config,
            manager=manager,
            records=UsageRecords(config.cache_dir),
            worker=_worker(config),
        )
    except PermissionError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}", hint="run as the daemon's user") from error
    finally:
        manager.close()


def _worker(config: Config) -> str:
    try:
        return (config.state_dir / "worker").read_text().strip()
    except FileNotFoundError:
        return ""


def add_commands(commands: Any) -> Any:
    """The parsers of `buildroots`; where further actions are added."""
    made = commands.add_parser("buildroots", help="the buildroots that are kept ready on this host")
    actions = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _action(actions, "list", "show the images of buildroots", show)
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.add_argument("--scan", action="store_true", help=SCAN)
    pruning = _action(actions, "prune", "remove what the limits of the configuration do not let stay", remove)
    pruning.add_argument("--all", action="store_true", help="remove all images that no container uses")
    pruning.add_argument("--tag", metavar="TAG", help="remove the images that served this build tag")
    pruning.add_argument("--scan", action="store_true", help=SCAN)
    pruning.add_argument("--dry-run", action="store_true", help="say what would go")
    return actions


def _action(
    actions: Any, name: str, text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    made.set_defaults(run=run)
    return made


def show(given: argparse.Namespace) -> int:
    """`buildroots list`: print the images; exit code."""
    with open_cache(given.config) as cache:
        images = cache.images(scan=given.scan)
        if given.json:
            sys.stdout.write(json.dumps([described(cached) for cached in images], indent=2) + "\n")
        else:
            limit = f"{readable(cache.config.buildroot_cache_size)} may stay"
            total = readable(sum(cached.own_size for cached in images))
            sys.stdout.write(table(images, time.time()))
            sys.stdout.write(f"{len(images)} images, {total}; {limit}\n")
    return 0


def described(cached: CachedImage) -> dict[str, Any]:
    """One image as the JSON of `list --json` has it."""
    record = asdict(cached.record)
    for internal in ("built", "version", "image"):
        del record[internal]
    return {
        **record,
        "name": cached.name,
        "image": cached.image.id,
        "base_key": cached.base_key,
        "size": cached.own_size,
        "worker": cached.image.worker,
    }


def table(images: Sequence[CachedImage], now: float) -> str:
    """The table that `list` prints."""
    rows = [HEADINGS, *(row(cached, now) for cached in images)]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADINGS))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in rows
    )


def row(cached: CachedImage, now: float) -> tuple[str, ...]:
    """The cells of one image, in the order of HEADINGS."""
    record = cached.record
    repos = sorted({repo for tag in record.tags for repo in tag.repo_ids}, reverse=True)
    return (
        tags_of(cached),
        record.arch,
        record.group,
        record.kind,
        ",".join(map(str, repos)) or "-",
        str(record.packages or "-"),
        readable(cached.own_size),
        ago(now - record.last_used) if record.last_used else "never",
        str(record.hits),
    )


def tags_of(cached: CachedImage) -> str:
    """The build tags that an image served."""
    return ",".join(names.one_line(tag.tag_name) for tag in cached.record.tags) or "-"


def readable(size: float) -> str:
    """A number of bytes with its unit."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def ago(seconds: float) -> str:
    """A time that has passed, in words."""
    length, unit = next(((length, unit) for length, unit in _UNITS if seconds >= length), (1.0, "second"))
    number = max(0, int(seconds / length))
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def remove(given: argparse.Namespace) -> int:
    """`buildroots prune`: remove images, and print which; exit code."""
    with open_cache(given.config) as cache:
        images = cached_images(cache.manager, cache.records, scan=given.scan or given.all)
        kept = frozenset(
            cached.record.key
            for cached in images
            if given.tag and given.tag not in tags_of(cached).split(",")
        )
        everything = given.all or given.tag
        config = cache.config
        limits = (
            EVERYTHING
            if everything
            else Limits(size=config.buildroot_cache_size, age=config.buildroot_cache_age)
        )
        if given.dry_run:
            planned = tuple(to_remove(images, limits, worker=cache.worker, now=time.time(), kept=kept))
            return _report(
                planned, (), own_size(images, cache.worker), is_done=False, quiet_reason=bool(everything)
            )
        gone, used = prune(
            images,
            cache.manager,
            cache.records,
            limits,
            worker=cache.worker,
            journal=cache.journal,
            kept=kept,
        )
        return _report(
            gone, used, own_size(images, cache.worker), is_done=True, quiet_reason=bool(everything)
        )


def _report(
    gone: Sequence[Removal], used: Sequence[Removal], before: int, *, is_done: bool, quiet_reason: bool
) -> int:
    for removal in gone:
        reason = "" if quiet_reason else f": {removal.reason}"
        sys.stdout.write(f"{'removed' if is_done else 'would remove'} {_named(removal)}{reason}\n")
    for removal in used:
        sys.stdout.write(f"in use {_named(removal)}\n")
    freed = sum(removal.cached.own_size for removal in gone)
    sys.stdout.write(f"{'freed' if is_done else 'would free'} {readable(freed)} of {readable(before)}\n")
    return 0


def _named(removal: Removal) -> str:
    cached, record = removal.cached, removal.cached.record
    return f"{tags_of(cached)} {record.arch} {record.group} {record.kind} ({readable(cached.own_size)})"
