"""Checks of the hub's volume: readable here and in the engine, with all that its links lead to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from koji_adjutant.cli.doctor.check import Check, Finding, failure, ok, warning
from koji_adjutant.cli.doctor.surroundings import Surroundings
from koji_adjutant.container.programs import HeadSink, bash
from koji_adjutant.errors import EngineError
from koji_adjutant.host.disks import file_system
from koji_adjutant.policy.containers import own_user
from koji_adjutant.task_adapters.topdir import LINKED, topdir_mounts

CHANNEL = "createrepo"
"""Where a hub sends what cannot be done without the volume."""
DEFAULT_VOLUME = "DEFAULT"
EXPECTED = ("packages", "repos")
HINT = "mount the hub's volume at topdir, readable for the daemon's user (NFS: without root_squash, or see its exports)"


def _needs_volume(on: Surroundings, text: str) -> Finding:
    """What is wrong is a failure where such tasks come here, else to be known."""
    if CHANNEL in {str(one["name"]) for one in on.channels}:
        return failure(f"{text}: newRepo and createrepo are refused", HINT)
    return warning(f"{text}: this host can do no newRepo and no createrepo", HINT)


def _mount(on: Surroundings) -> Finding:
    topdir = Path(on.config.topdir)
    if not topdir.is_dir():
        return _needs_volume(on, f"topdir {topdir} is not there")
    unread = [name for name in EXPECTED if not _is_readable(topdir / name)]
    if unread:
        return _needs_volume(on, f"topdir {topdir} has no readable {' and no '.join(unread)}")
    broken = [str(path) for path in _links(topdir) if path.is_symlink() and not path.exists()]
    if broken:
        return _needs_volume(on, f"links of topdir lead nowhere: {', '.join(broken)}")
    return ok(f"topdir {topdir} is readable ({file_system(topdir)})")


def _links(topdir: Path) -> Iterator[Path]:
    yield from (topdir / name for name in LINKED)
    if _is_readable(topdir / "vol"):
        yield from sorted((topdir / "vol").iterdir())


def _is_readable(directory: Path) -> bool:
    try:
        next(directory.iterdir(), None)
    except OSError:
        return False
    return True


def _volumes(on: Surroundings) -> Finding:
    names = [str(one["name"]) for one in on.ask("listVolumes")]
    missing = [
        name
        for name in names
        if name != DEFAULT_VOLUME and not (Path(on.config.topdir) / "vol" / name).is_dir()
    ]
    if missing:
        return _needs_volume(on, f"volumes of the hub are not below topdir/vol: {', '.join(missing)}")
    return ok(f"all volumes of the hub are there: {', '.join(names)}")


def _in_engine(on: Surroundings) -> Finding:
    topdir = on.config.topdir
    script = 'for path; do [ -x "$path" ] && ls "$path" >/dev/null || echo "$path"; done'
    paths = [str(Path(topdir, name)) for name in EXPECTED]
    answer = HeadSink()
    spec = on.short_container(bash(script, "look", *paths))
    spec = replace(spec, mounts=topdir_mounts(on.config), user=own_user(on.config), label_disable=True)
    try:
        on.manager.run(spec, answer, timeout=30)
    except EngineError as error:
        return failure(
            f"podman cannot show topdir {topdir} to a container: {error.message}",
            "mount it where podman runs too, or name its path there in host_mount_map",
        )
    if unseen := answer.data.decode(errors="replace").split():
        return failure(f"a container cannot read {', '.join(unseen)}", HINT)
    return ok(f"a container reads topdir {topdir}")


CHECKS = (
    Check(id="topdir.mount", title="Hub's volume", look=_mount, needs=("hub.login-name",)),
    Check(id="topdir.volumes", title="Volumes", look=_volumes, needs=("topdir.mount",)),
    Check(
        id="topdir.engine",
        title="Hub's volume in containers",
        look=_in_engine,
        needs=("topdir.mount", "images.present", "engine.trial"),
        seconds=60,
    ),
)
