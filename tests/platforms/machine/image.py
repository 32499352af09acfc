"""A root of Debian as the disk of a machine: made once, and read by any number of machines through overlays."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SIZE = "16G"
SCRIPTS = Path(__file__).with_name("scripts")
AGENT = "usr/local/lib/machine/agent.py"
UNIT = """\
[Unit]
Description=Runs what comes in by the control port
DefaultDependencies=no
After=local-fs.target systemd-udevd.service
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/machine/agent.py
Environment=HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Delegate=yes
KillMode=process
TasksMax=infinity
OOMPolicy=continue
[Install]
WantedBy=multi-user.target
"""
NOT_STARTED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "logrotate.timer", "krb5-kdc.service", "krb5-admin-server.service", "ssh.service",
    "sshd-keygen.service", "netavark-dhcp-proxy.socket", "serial-getty@ttyS0.service", "getty@tty1.service",
)  # fmt: skip
"""What would make an emulated machine slow and is nobody's subject; the console is for the kernel alone."""
WANTED = "etc/systemd/system/multi-user.target.wants/machine-control.service"


@dataclass(frozen=True, kw_only=True)
class Image:
    """Disk, kernel and initrd, in a directory."""

    directory: Path

    @property
    def disk(self) -> Path:
        return self.directory / "disk"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd"

    def overlay(self, path: Path) -> Path:
        """A disk of a machine's own, that begins as this one is."""
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        backing = ["-F", "raw", "-b", str(self.disk.absolute())]
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(path)]
        subprocess.run(argv, check=True)
        return path


def make_image(root: Path, directory: Path) -> Image:
    """The image of a root that has systemd and a kernel. The root gets what makes a machine of it."""
    directory.mkdir(parents=True, exist_ok=True)
    image = Image(directory=directory)
    _equip(root)
    for name, target in (("vmlinuz", image.kernel), ("initrd.img", image.initrd)):
        (found,) = (root / "boot").glob(f"{name}-*")
        shutil.copy(found, target)
    image.disk.unlink(missing_ok=True)
    subprocess.run(["truncate", "--size", SIZE, str(image.disk)], check=True)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1", "-d", str(root), str(image.disk)],
        check=True,
    )
    return image


def _equip(root: Path) -> None:
    agent = root / AGENT
    agent.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SCRIPTS / "agent.py", agent)
    (root / "etc/systemd/system/machine-control.service").write_text(UNIT)
    _link(root / WANTED, "../machine-control.service")
    for name in NOT_STARTED:
        _link(root / "etc/systemd/system" / name, "/dev/null")
    (root / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n")
    (root / "etc/hostname").write_text("machine\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost machine\n")


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
