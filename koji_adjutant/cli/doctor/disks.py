"""Checks of disks: room for the next task, and for what caches may grow to."""

import os

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.daemon.readiness import space_problem, storage_to_measure
from koji_adjutant.host import disks

NEAR = 1.25
"""A disk with less than this much of what it needs keeps the host from taking tasks soon."""
GIB = 1 << 30


def _space(on: Surroundings) -> Finding:
    place = storage_to_measure(on.storage, on.config)
    minspace = on.config.minspace
    hint = "koji-adjutant buildroots list shows what images take; make room, or lower minspace"
    if problem := space_problem(place, minspace):
        return failure(str(problem), hint)
    free = (disks.free_bytes(place) or 0) >> 20
    if free < NEAR * minspace:
        return warning(f"{free} MB are free at {place}, minspace is {minspace} MB", hint)
    if on.storage is None:
        return warning(
            f"the engine's storage {on.engine.storage} is not on this machine: {place} is measured instead",
            "name its place in host_mount_map",
        )
    return ok(f"{free} MB are free at {place}, minspace is {minspace} MB")


def _files(on: Surroundings) -> Finding:
    place = storage_to_measure(on.storage, on.config)
    status = os.statvfs(place)
    if status.f_files and status.f_favail < 1000 * disks.LEAST_FILES:
        text = f"there is room for {status.f_favail} files at {place}"
        hint = "a buildroot has 20,000 or more: remove images, or make the file system with more inodes"
        return failure(text, hint) if status.f_favail < 100 * disks.LEAST_FILES else warning(text, hint)
    return ok(f"there is room for {status.f_favail or 'any number of'} files at {place}")


def _directories(on: Surroundings) -> Finding:
    if problem := disks.problem(on.config.disks):
        return failure(problem.what, problem.hint or "make room there, or set the option to another place")
    for disk in on.config.disks:
        place = next(one for one in (disk.path, *disk.path.parents) if one.exists())
        if not os.access(place, os.W_OK | os.X_OK):
            return failure(f"{disk.option} {disk.path} cannot be written", "run doctor as the daemon's user")
    return ok(", ".join(f"{disk.option} {disk.path}" for disk in on.config.disks) + ": room and rights")


def _caches(on: Surroundings) -> Finding:
    config = on.config
    cache = next(one for one in (config.cache_dir, *config.cache_dir.parents) if one.exists())
    caches = (
        (storage_to_measure(on.storage, config), config.buildroot_cache_size),
        (cache, config.download_cache_size),
    )
    for place, _ in caches:
        size = sum(most for other, most in caches if other.stat().st_dev == place.stat().st_dev)
        status = os.statvfs(place)
        whole = status.f_blocks * status.f_frsize
        if size + (config.minspace << 20) > whole:
            return warning(
                f"caches may take {size / GIB:.0f} GiB of the {whole / GIB:.0f} at {place}: "
                "builds will want the rest before they are full",
                "lower buildroot_cache_size and download_cache_size to fit beside minspace",
            )
    return ok(f"caches may grow to {sum(most for _, most in caches) / GIB:.0f} GiB, and have a place for it")


_NEEDS = ("config.file",)
CHECKS = (
    Check(id="disks.space", title="Space for builds", look=_space, needs=("engine.version",)),
    Check(id="disks.files", title="Room for files", look=_files, needs=("engine.version",)),
    Check(id="disks.directories", title="Directories of the daemon", look=_directories, needs=_NEEDS),
    Check(id="disks.caches", title="Limits of caches", look=_caches, needs=("engine.version",)),
)
