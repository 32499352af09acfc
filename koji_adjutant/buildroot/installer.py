"""The installer: puts solved packages into a root, running their scriptlets as root.

A container of the task image that holds nothing worth having: no network, no cache, a read-only /proc, eight
capabilities, no new privileges; it sees the root and exactly the files to install. A scriptlet can leave its chroot,
never this container. It must be gone before the container whose root it populates is removed.
"""

from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.machines import personality
from koji_adjutant.buildroot.settings import BUILD_GROUP, BUILD_IDS, BUILD_USER, HOME, SCRATCH, host_timezone
from koji_adjutant.buildroot.solver import ROOT
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.policy.network import NetworkUse, network_for

SCRIPT = Path(__file__).with_name("scripts") / "install.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
PACKAGES = "/packages"
CAPABILITIES = frozenset(
    {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "SETFCAP", "SYS_CHROOT"}
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
SHM_OPTIONS = ("nosuid", "nodev", "noexec", "mode=1777", "size=64000k", "notmpcopyup")
MASKED = tuple(
    f"{ROOT}/proc/{name}"
    for name in (
        "acpi", "kallsyms", "kcore", "keys", "key-users", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
        "sched_debug", "scsi", "sysrq-trigger", "timer_list",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class InstallerRun:
    """One use of the installer. `root` is the engine's path of the root, `packages` a directory of ours."""

    config: Config
    owner: Owner
    role: Role = Role.INSTALLER
    image: str
    root: str
    packages: Path
    is_base: bool
    arch: str = ""
    """That of the packages: their scriptlets see a machine of it. Empty means this machine's own."""
    forced: bool = False
    """Whether rpm is to take packages of an arch that it does not know to be this machine's."""


def installer_spec(run: InstallerRun) -> ContainerSpec:
    """The installer's container. Pure."""
    uid, gid = BUILD_IDS
    mode = "base" if run.is_base else "more"
    user = (BUILD_USER, str(uid), BUILD_GROUP, str(gid), HOME, SCRATCH)
    arguments = (mode, *user, host_timezone(), personality(run.arch), "forced" if run.forced else "")
    return ContainerSpec(
        image=run.image,
        command=("/bin/bash", "-c", SCRIPT_TEXT, SCRIPT.name, *arguments),
        labels={**run.config.container_labels, **run.owner.labels(run.role)},
        environment={
            "PATH": "/usr/bin:/usr/sbin:/bin:/sbin",
            "HOME": "/root",
            "HOSTNAME": "mock",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "TERM": "vt100",
        },
        user="0:0",
        mounts=(
            VolumeMount(source=run.root, target=ROOT, read_only=False, options=("rbind",)),
            VolumeMount(source=run.config.engine_path(run.packages), target=PACKAGES, options=("rbind",)),
            *root_mounts(ROOT),
        ),
        network=network_for(NetworkUse.INSTALL, run.config),
        capabilities=CAPABILITIES,
        masked_paths=MASKED,
        label_disable=True,
    )


def root_mounts(root: str) -> tuple[VolumeMount, ...]:
    """What scriptlets want to find below `root`. Pure.

    And shared memory of the container's own: that which an engine makes it cannot always take away again, when a
    container in a user namespace has just ended.
    """
    device_options = ("nosuid", "dev", "mode=755", "size=65536k", "notmpcopyup")
    return (
        VolumeMount(kind="proc", target=f"{root}/proc", options=("nosuid", "noexec", "nodev")),
        VolumeMount(kind="tmpfs", target=f"{root}/dev", read_only=False, options=device_options),
        VolumeMount(kind="tmpfs", target="/dev/shm", read_only=False, options=SHM_OPTIONS),  # noqa: S108
        *(
            VolumeMount(source=f"/dev/{name}", target=f"{root}/dev/{name}", read_only=False)
            for name in DEVICES
        ),
    )


def install(run: InstallerRun, manager: ContainerManager, log: LogSink) -> int:
    """Install the packages; rpm's exit code."""
    return manager.run(installer_spec(run), log)
