"""Built files on their way to the hub: which is what, what must be in them, how noarch ones are compared.

Pure but for reading the files (kojid-facts 4.6).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji
import koji.rpmdiff

RPMDIFF_NAME = "noarch_rpmdiff.json"
RPMDIFF_IGNORE = "S5TN"
REQUIRED_TAGS = ("packager", "vendor", "distribution")


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
