"""What a build leaves, on its way to the hub: taken out of its container, sorted, and looked at (kojid-facts 4.6); and
what is said of the machine and the root that made it.

Holds nothing: the files are those of the task's work directory, and go with it.
"""

import errno
import json
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji
import koji.rpmdiff

from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.container.programs import USER_PATH, HeadSink
from koji_adjutant.errors import BuildFailed, ContentRefused
from koji_adjutant.host.disks import LEAST_BYTES
from koji_adjutant.logs.task_logs import TaskLogs

PACKAGE = ".rpm"
PACKAGE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+~^{}%-]*\.rpm", re.ASCII)
"""The file of a package that rpmbuild makes: name, version and release have no other characters."""
ROOM_LEFT = 512 << 20
"""Bytes that results leave of the work directory's disk, or half of it: a file with a hole says that it is as large as
it likes."""
RPMDIFF_NAME = "noarch_rpmdiff.json"
RPMDIFF_IGNORE = "S5TN"
REQUIRED_TAGS = ("packager", "vendor", "distribution")


def take_packages(
    manager: ContainerManager, container: str, source: str, directory: Path, *, failed: str
) -> tuple[Path, ...]:
    """The packages below `source` of a build container, in `directory`. BuildFailed, which begins with `failed`,
    when what is there is not what rpmbuild leaves there. Files of other kinds stay in the container."""
    disk = shutil.disk_usage(directory)
    room = room_for_results(disk.free)
    try:
        paths = manager.copy_from(container, source, directory, suffix=PACKAGE, limit=room)
    except ContentRefused as error:
        # With less on this disk there would be room; what has holes takes less than it says.
        if disk.free < LEAST_BYTES or room < size_on_disk(manager, container, source) <= room_for_results(
            disk.total
        ):
            raise OSError(errno.ENOSPC, "no space left for the results of a build", str(directory)) from error
        raise BuildFailed(failed, hint=f"its results cannot be taken: {error}") from error
    for path in paths:
        if not PACKAGE_NAME.fullmatch(path.name):
            raise BuildFailed(failed, hint=f"{path.name!r} among its results is no name of a package")
    return paths


def room_for_results(free: int) -> int:
    """Bytes that results may have where so many are free. Pure."""
    return max(free - ROOM_LEFT, free // 2)


def size_on_disk(manager: ContainerManager, container: str, source: str) -> int:
    """Bytes that `source` takes in a build container. Root's command: what a build has left running could answer for
    its own user's."""
    answer = HeadSink()
    manager.exec(
        container,
        ("du", "-sk", source),
        answer,
        environment={"PATH": USER_PATH},
        user="0:0",
        timeout=60.0,
    )
    size = answer.data.split(maxsplit=1)[:1]
    return int(size[0]) << 10 if size and size[0].isdigit() else 0


def write_host_logs(logs: TaskLogs, packages: tuple[InstalledPackage, ...]) -> None:
    """hw_info.log and installed_pkgs.log."""
    hardware = logs.sink("hw_info.log")
    hardware.line(f"kernel: {platform.release()} {platform.machine()}")
    for name in ("cpuinfo", "meminfo"):
        hardware.line(f"/proc/{name}:")
        hardware.line(Path("/proc", name).read_text(errors="replace").rstrip())
    listing = logs.sink("installed_pkgs.log")
    listing.line("\n".join(f"{p.nevra} {p.buildtime} {p.size} installed" for p in packages))


# On their way to the hub


@dataclass(frozen=True, kw_only=True)
class BuiltFiles:
    """The files of a result directory by kind."""

    rpms: tuple[Path, ...]
    srpms: tuple[Path, ...]
    unexpected: tuple[Path, ...]


def sorted_by_kind(paths: Iterable[Path]) -> BuiltFiles:
    """Source packages, packages, and what should not be there."""
    files = sorted(paths)
    srpms = tuple(path for path in files if path.name.endswith(".src.rpm"))
    rpms = tuple(path for path in files if path.suffix == ".rpm" and path not in srpms)
    known = {*srpms, *rpms}
    return BuiltFiles(rpms=rpms, srpms=srpms, unexpected=tuple(path for path in files if path not in known))


def one_srpm(files: BuiltFiles, task_id: int) -> Path:
    """The source package of a build that keeps it; koji.BuildError unless it is one, with its tags set."""
    if not files.srpms:
        raise koji.BuildError(f"no srpm files found for task {task_id}")
    if len(files.srpms) > 1:
        names = ", ".join(path.name for path in files.srpms)
        raise koji.BuildError(f"multiple srpm files found for task {task_id}: {names}")
    srpm = files.srpms[0]
    header = koji.get_rpm_header(str(srpm))
    for tag in REQUIRED_TAGS:
        if not koji.get_header_field(header, tag):
            raise koji.BuildError(f"The build system failed to set the {tag} tag of {srpm.name}")
    return srpm


def check_srpm_name(srpm: Path) -> None:
    """koji.BuildError unless the file is named after its header."""
    fields = koji.get_header_fields(str(srpm), ["name", "version", "release"])
    expected = f"{fields['name']}-{fields['version']}-{fields['release']}.src.rpm"
    if srpm.name != expected:
        raise koji.BuildError(f"srpm name mismatch: {srpm.name} should be {expected}")


def noarch_hashes(rpms: Iterable[Path], task_id: int) -> Mapping[str, Mapping[str, str]]:
    """What the hub compares noarch packages of several architectures by; empty without noarch packages."""
    rpmdiff: Any = koji.rpmdiff.Rpmdiff
    hashes = {}
    for path in (path for path in rpms if path.name.endswith(".noarch.rpm")):
        try:
            koji.check_rpm_file(str(path))
        except koji.GenericError as error:
            # The build has written it by itself: the library would say so with a traceback.
            raise koji.BuildError(f"{path.name} is not a usable package file: {error}") from error
        hashes[path.name] = rpmdiff(str(path), str(path), ignore=RPMDIFF_IGNORE).kojihash()
    return {str(task_id): hashes} if hashes else {}


def write_noarch_hashes(rpms: Iterable[Path], task_id: int, directory: Path) -> Path | None:
    """noarch_rpmdiff.json in `directory`, if there is a noarch package."""
    hashes = noarch_hashes(rpms, task_id)
    if not hashes:
        return None
    path = directory / RPMDIFF_NAME
    path.write_text(json.dumps(hashes, indent=2, sort_keys=True))
    return path
