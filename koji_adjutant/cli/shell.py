"""`koji-adjutant buildroots shell`: looking around in a throw-away copy of a buildroot.

The container is a build's: no network, no capability, the build user, the same mounts and limits. It goes with the
process, whatever ends that; after a SIGKILL, with the daemon's next sweep.
"""

import argparse
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from koji_adjutant.buildroot.images.cached import CachedImage
from koji_adjutant.buildroot.settings import BUILD_IDS, ENVIRONMENT, HOME, BuildrootSettings
from koji_adjutant.cli.buildroots import Cache, add_commands, open_cache
from koji_adjutant.config import DEFAULT_FILE
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.container.podman.terminal import Console, interact
from koji_adjutant.daemon.cleanup.bound_containers import process_label
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.guards.stack import guarded_spec
from koji_adjutant.host.machines import personality
from koji_adjutant.hub.session import open_session
from koji_adjutant.policy.containers import task_limits
from koji_adjutant.policy.methods import OF_GROUPS
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import build_container_spec

GROUP = "build"
METHOD = OF_GROUPS[GROUP].name
"""Whichever buildroot it is of, the shell has what such a task has."""
SHELL = ("/bin/bash", "-l")


def add_command(commands: Any) -> None:
    """The parsers of `buildroots`, this one with them."""
    actions = add_commands(commands)
    text = "open a shell in a throw-away copy of a tag's newest buildroot"
    made: argparse.ArgumentParser = actions.add_parser("shell", help=text, description=text)
    made.add_argument("tag", metavar="TAG", help="the build tag")
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    made.add_argument("--arch", help="of this architecture")
    made.add_argument("--group", default=GROUP, help="of this install group (default: build)")
    made.add_argument("--root", action="store_true", help="as root of the container, not as the build user")
    made.set_defaults(run=shell)


def shell(given: argparse.Namespace) -> int:
    """`buildroots shell`: run the shell; its exit code."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _end)
    with open_cache(given.config) as cache:
        chosen = newest(cache.images(), given.tag, arch=given.arch, group=given.group)
        console = Console()
        spec = shell_spec(cache, chosen, given.tag, console, is_root=given.root)
        limits = task_limits(cache.config, method=METHOD, tag_name=given.tag)
        return interact(cache.manager, guarded_spec(spec, cache.manager, cache.config, limits), console)


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def newest(images: tuple[CachedImage, ...], tag: str, *, arch: str | None, group: str) -> CachedImage:
    """The image whose repo of `tag` is the newest. BuildrootFailed when there is none."""

    def newest_repo(cached: CachedImage) -> tuple[int, float]:
        return max(
            repo for use in cached.record.tags if use.tag_name == tag for repo in (*use.repo_ids, 0)
        ), (cached.last_used)

    found = [
        cached
        for cached in images
        if not cached.base_key
        and cached.record.group == group
        and arch in (None, cached.record.arch)
        and any(use.tag_name == tag for use in cached.record.tags)
    ]
    if not found:
        wanted = f"tag {tag}, group {group}" + (f", arch {arch}" if arch else "")
        raise BuildrootFailed(
            f"this host has no buildroot image of {wanted}",
            hint="koji-adjutant buildroots list shows those it has; the first build of a tag makes one",
        )
    return max(found, key=newest_repo)


def shell_spec(
    cache: Cache, chosen: CachedImage, tag: str, console: Console, *, is_root: bool
) -> ContainerSpec:
    """A build container with a shell as its first process."""
    config = cache.config
    ctx = TaskContext(
        task_id=0,
        parameters={"method": METHOD},
        session=open_session(config),
        workdir=Path(config.workdir),
        config=config,
        worker=cache.worker,
    )
    spec = build_container_spec(ctx, _settings(chosen, tag), 0)
    machine = personality(chosen.record.arch)
    uid, gid = (0, 0) if is_root else BUILD_IDS
    return replace(
        spec,
        image=chosen.image.id,
        command=(*(("/usr/bin/setarch", machine) if machine else ()), *SHELL),
        environment=_environment(console, tag, is_root=is_root),
        user=f"{uid}:{gid}",
        workdir="/" if is_root else HOME,
        labels={
            **config.container_labels,
            labels.WORKER: cache.worker,
            labels.ROLE: labels.Role.SHELL.value,
            labels.TAG: tag,
            labels.ARCH: chosen.record.arch,
            labels.PROCESS: process_label(os.getpid()),
        },
    )


def _settings(chosen: CachedImage, tag: str) -> BuildrootSettings:
    # What the hub would add is of a task: its macros, its repo.
    return BuildrootSettings(
        tag_id=0,
        tag_name=tag,
        repo_id=0,
        event_id=0,
        arch=chosen.record.arch,
        target_arch=chosen.record.arch,
        group=chosen.record.group,
        baseurls=(),
        macros={"%_buildhost": socket.getfqdn()},
        environment=ENVIRONMENT,
    )


def _environment(console: Console, tag: str, *, is_root: bool) -> dict[str, str]:
    found = {**ENVIRONMENT, "PS1": f"<{tag}> \\w \\$ ", "PROMPT_COMMAND": ""}
    if is_root:
        found["HOME"] = "/root"
    if console.is_terminal:
        found["TERM"] = os.environ.get("TERM", ENVIRONMENT["TERM"])
    return found
