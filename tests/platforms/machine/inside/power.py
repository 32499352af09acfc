"""`python -m tests.platforms.machine.inside.power begin|go`: what a machine does between two power failures.

`begin` once: the builder is installed, and the hub's files get a disk of their own whose every write is on it at once:
a hub is another machine, which does not lose its power with the builder. `go KIND NUMBER` after each boot: that all is
well after the failure before, and then work until the moment at which the power is to fail again, which is said.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import koji

from koji_adjutant.buildroot.images.keys import REPOSITORY
from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.config import Config, load_config
from koji_adjutant.container.interface import ImageStore
from koji_adjutant.container.labels import ROLE, Role
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.testbed.tasks import family, task_output
from tests.integration.packages import source_package
from tests.platforms.machine.inside.host import SLOW, Host, build_host, containers, run, say
from tests.platforms.machine.inside.installed import installed_host
from tests.platforms.machine.inside.places import CONF, LAYOUT
from tests.platforms.machine.power import KINDS, NOW, WELL
from tests.waiting import eventually

HUB_DISK = "/dev/vdb"
REQUIRED = ("zlib-devel", "ncurses-devel", "bison", "flex", "gmp-devel")
STEP, IMAGE_STEP = 0.2, 1.0
"""Seconds between two looks: on an emulated machine they cost as much as what is waited for."""
UNENDED = [koji.TASK_STATES[state] for state in ("FREE", "ASSIGNED", "OPEN")]
MOUNTED_FIRST = f"[Unit]\nRequiresMountsFor={LAYOUT.hub}\n"
DROP_IN = Path("/etc/systemd/system/koji-hub.service.d/disk.conf")
VERIFIED = LAYOUT.hub / "verified"
"""The images that have been, on the disk that loses nothing: to look at each of them again takes a minute."""
VERIFY = ("rpm", "--verify", "--all", "--nodeps", "--noscripts", "--nomtime", "--root")
"""Contents by checksum, sizes, modes and owners, of all files of all packages: what rpm knows better than we do."""


def begin() -> None:
    run("systemctl", "stop", "koji-hub")
    run("mkfs.ext4", "-q", HUB_DISK)
    run("mount", HUB_DISK, "/mnt")
    run("cp", "--archive", f"{LAYOUT.hub}/.", "/mnt")
    run("umount", "/mnt")
    with Path("/etc/fstab").open("a") as table:
        table.write(f"{HUB_DISK} {LAYOUT.hub} ext4 rw,sync,dirsync 0 2\n")
    DROP_IN.parent.mkdir(parents=True)
    DROP_IN.write_text(MOUNTED_FIRST)
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "koji-hub")
    installed_host()
    run("sync")


def go(kind: str, number: int) -> None:
    host, config = build_host(), load_config(CONF)
    eventually(lambda: answers(host), "the hub answers", seconds=SLOW, step=0.5)
    say(WELL + check(host, config))
    if kind == "image":
        until_an_image(host, config, REQUIRED[number // len(KINDS) % len(REQUIRED)])
    else:
        task = host.build(Path(host.description.srpms["hello"]))
        eventually(lambda: MOMENTS[kind](host, config, task), kind, seconds=SLOW, step=STEP)
    say(NOW + kind)


def answers(host: Host) -> bool:
    try:
        return host.is_ready()
    except OSError:
        return False


def check(host: Host, config: Config) -> str:
    """All is well: no task that nobody works on, nothing that is left, no image that is half, no cache that lies."""
    tasks = [task["id"] for task in host.admin.listTasks({"state": UNENDED})]
    for task in tasks:
        host.closed(task)
    eventually(lambda: not any(pending_requests(config)), "images are made", seconds=SLOW, step=0.5)
    eventually(lambda: not containers(), lambda: f"left: {containers()}", seconds=SLOW, step=0.5)
    left = [path for path in (config.state_dir / "tasks").glob("*") if path.is_file()]
    assert not left, left
    there = set(images())
    for image in there.difference(VERIFIED.read_text().split() if VERIFIED.exists() else ()):
        assert_whole(image)
    VERIFIED.write_text("\n".join(there))
    packages = sorted(config.cache_dir.rglob("*.rpm"))
    for first in range(0, len(packages), 100):
        run("rpmkeys", "--checksig", "--nosignature", *packages[first : first + 100])
    return f"{len(tasks)} tasks were open, {len(there)} images, {len(packages)} packages"


def images() -> Iterator[str]:
    """The buildroots that a task would take."""
    listed = run("podman", "images", "--quiet", "--no-trunc", f"--filter=reference={REPOSITORY}")
    yield from sorted(set(listed.stdout.split()))


def assert_whole(image: str) -> None:
    """Each file is what the packages say."""
    root = run("podman", "image", "mount", image).stdout.strip()
    try:
        found = subprocess.run([*VERIFY, root], capture_output=True, text=True, check=False).stdout
        wrong = [line for line in found.splitlines() if "5" in line[:9] or line.startswith("missing")]
        assert not wrong, f"{image}: {wrong[:10]}"
    finally:
        run("podman", "image", "unmount", image)


def until_an_image(host: Host, config: Config, required: str) -> None:
    """The engine has one more: of a package whose BuildRequires no image has."""
    with (
        TemporaryDirectory() as directory,
        closing(PodmanManager(str(config.podman_socket), config.container_timeouts)) as manager,
    ):
        before = loaded(manager)
        head = f"BuildArch: noarch\nBuildRequires: {required}"
        host.build(source_package(Path(directory), f"wants-{required}", head=head))
        eventually(lambda: loaded(manager) != before, "an image", seconds=SLOW, step=IMAGE_STEP)


def loaded(manager: ImageStore) -> set[str]:
    """The buildroots that the engine has, those included that no task would take yet."""
    return {image.id for image in manager.find_images({ROLE: Role.IMAGE.value})}


def has_state(host: Host, config: Config, task: int) -> bool:
    """Of buildArch, which has begun: a file that was renamed into its place."""
    return any((config.state_dir / "tasks").glob(f"{build_arch(host, task)}.*"))


def has_upload(host: Host, config: Config, task: int) -> bool:
    arch = build_arch(host, task)
    return bool(arch) and (task_output(Path(host.description.topdir), arch) / "build.log").exists()


def is_closed(host: Host, config: Config, task: int) -> bool:
    return host.states(task).get("buildArch") == "CLOSED"


def build_arch(host: Host, task: int) -> int:
    return next((one.id for one in family(host.admin, task) if one.method == "buildArch"), 0)


MOMENTS: dict[str, Callable[[Host, Config, int], bool]] = {
    "rename": has_state,
    "upload": has_upload,
    "closeTask": is_closed,
}


if __name__ == "__main__":
    if sys.argv[1] == "begin":
        begin()
    else:
        go(sys.argv[2], int(sys.argv[3]))
