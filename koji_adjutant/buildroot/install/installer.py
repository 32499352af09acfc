"""The installer: makes of a root what was solved, in one rpm transaction, running scriptlets as root.

A container of the task image that holds nothing worth having: no network, no cache, a read-only /proc, eight
capabilities, no new privileges; it sees the root and exactly the files to install. Nobody can make a device node in
it: packages are installed without theirs. A scriptlet can leave its chroot, never this container. It must be gone
before the container whose root it populates is removed.
"""

from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.install.solver import ROOT
from koji_adjutant.buildroot.settings import BUILD_GROUP, BUILD_IDS, BUILD_USER, HOME, SCRATCH, host_timezone
from koji_adjutant.config import Config
from koji_adjutant.container.interface import Containers, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import ROOT_PATH, bash
from koji_adjutant.host.machines import personality
from koji_adjutant.policy.containers import INSTALLER_CAPABILITIES, NetworkUse, network_for, root_mounts

SCRIPT = Path(__file__).with_name("scripts") / "install.sh"
TRANSACTION = SCRIPT.with_name("transaction.py")
SCRIPT_TEXT, TRANSACTION_TEXT = SCRIPT.read_text(), TRANSACTION.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
PACKAGES = "/packages"
MASKED = tuple(
    f"{ROOT}/proc/{name}"
    for name in (
        "acpi", "kallsyms", "kcore", "keys", "key-users", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
        "sched_debug", "scsi", "sysrq-trigger", "timer_list",
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class InstallerRun:
    """One use of the installer. `root` is the engine's path of the root, `packages` a directory on this host."""

    config: Config
    owner: Owner
    role: Role = Role.INSTALLER
    image: str
    root: str
    packages: Path
    is_base: bool
    arch: str = ""
    """The packages' architecture: their scriptlets see such a machine. Empty means this machine's own."""
    forced: bool = False
    """Whether rpm is to take packages of an arch that it does not know to be this machine's."""
    erased: frozenset[str] = frozenset()
    """NEVRAs of packages of the root that go in the same transaction."""


def installer_spec(run: InstallerRun) -> ContainerSpec:
    """The installer's container. Pure."""
    uid, gid = BUILD_IDS
    mode = "base" if run.is_base else "more"
    user = (BUILD_USER, str(uid), BUILD_GROUP, str(gid), HOME, SCRATCH)
    machine, forced = personality(run.arch), "forced" if run.forced else ""
    arguments = (mode, *user, host_timezone(), machine, forced, TRANSACTION_TEXT, *sorted(run.erased))
    return ContainerSpec(
        image=run.image,
        command=bash(SCRIPT_TEXT, SCRIPT.name, *arguments),
        labels={**run.config.container_labels, **run.owner.labels(run.role)},
        environment={
            "PATH": ROOT_PATH,
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
        capabilities=INSTALLER_CAPABILITIES,
        masked_paths=MASKED,
        label_disable=True,
    )


def install(run: InstallerRun, manager: Containers, log: LogSink) -> int:
    """Install and erase the packages; the exit code of the transaction, 0 when all of it was done."""
    return manager.run(installer_spec(run), log)
